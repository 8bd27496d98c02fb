//! Bulk lanes where answers of DynamoDB are lost: the SDK sends the write again, and is refused by its own.

use crate::stack::{SetClock, drop_table, make_lanes_table, with_stack};
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::interceptors::{
    BeforeDeserializationInterceptorContextMut, BeforeTransmitInterceptorContextRef,
};
use aws_sdk_dynamodb::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_dynamodb::error::BoxError;
use rtr_aws::clients::Clients;
use rtr_aws::limits::DynamoLimits;
use rtr_core::key::ConnectionKey;
use rtr_core::time::Instant;
use rtr_engine::seams::{Baton, Limits};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

const BEGIN: Instant = Instant(1_795_000_000_000);

/// Of every two answers to a write the first becomes an error that the SDK tries again.
#[derive(Debug, Clone, Default)]
struct LosesAnswers {
    is_write: Arc<AtomicBool>,
    answers: Arc<AtomicUsize>,
}

impl Intercept for LosesAnswers {
    fn name(&self) -> &'static str {
        "loses answers"
    }

    fn read_before_transmit(
        &self,
        context: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let target = context.request().headers().get("x-amz-target").unwrap_or_default();
        self.is_write.store(target.ends_with(".PutItem"), Ordering::SeqCst);
        Ok(())
    }

    fn modify_before_deserialization(
        &self,
        context: &mut BeforeDeserializationInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let is_write = self.is_write.load(Ordering::SeqCst);
        if is_write && self.answers.fetch_add(1, Ordering::SeqCst).is_multiple_of(2) {
            *context.response_mut().status_mut() = 500.try_into()?;
        }
        Ok(())
    }
}

#[test]
fn given_writes_whose_answers_are_lost_when_the_sdk_repeats_them_then_they_count_as_done() {
    with_stack(async |clients, name| {
        make_lanes_table(&clients, &name).await;
        let lost = LosesAnswers::default();
        let answers = lost.answers.clone();
        let config = clients.dynamodb.config().to_builder().interceptor(lost).build();
        let losing = Clients { dynamodb: Client::from_conf(config), ..clients.clone() };
        let limits = DynamoLimits::new(&losing, &name, Arc::new(SetClock::at(BEGIN.0)));
        let connection = ConnectionKey::new("acme", "hubspot");
        let baton = Baton { connection: connection.clone(), n: 0 };

        limits.want_lane(&connection, BEGIN).await.unwrap();
        assert_eq!(limits.lanes_due(BEGIN, 10).await.unwrap(), std::slice::from_ref(&baton));
        let taken = limits.take_lane(&baton, 300_000).await.unwrap();
        assert_eq!(taken.as_ref().map(|lane| (lane.n, lane.runs)), Some((1, 1)));
        assert_eq!(limits.take_lane(&baton, 300_000).await, Ok(None));
        assert_eq!(limits.pass_lane(&connection, &taken.unwrap(), None, None).await, Ok(true));
        assert_eq!(limits.lanes_due(BEGIN.plus_ms(1_000_000), 10).await, Ok(Vec::new()));
        assert_eq!(answers.load(Ordering::SeqCst), 6, "each write was sent twice");
        drop_table(&clients, &name).await;
    });
}
