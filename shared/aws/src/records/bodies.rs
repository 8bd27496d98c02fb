//! Bodies too large for an item, in S3.

use crate::errors::{innermost, unavailable};
use aws_sdk_s3::Client;
use aws_sdk_s3::error::SdkError;
use aws_sdk_s3::operation::get_object::GetObjectError;
use aws_sdk_s3::primitives::ByteStream;
use rtr_engine::seams::Unavailable;

pub(super) async fn put(client: &Client, bucket: &str, key: &str, body: &[u8]) -> Result<(), Unavailable> {
    let put = client.put_object().bucket(bucket).key(key).content_type("application/json");
    let stored = put.body(ByteStream::from(body.to_vec())).send().await;
    stored.map(drop).map_err(|error| unavailable("PutObject", &error))
}

pub(super) async fn get(client: &Client, bucket: &str, key: &str) -> Result<Option<Vec<u8>>, Unavailable> {
    match client.get_object().bucket(bucket).key(key).send().await {
        Ok(object) => {
            let read = object.body.collect().await;
            let cut = |error| Unavailable(format!("GetObject: {}", innermost(&error)));
            read.map(|body| Some(body.to_vec())).map_err(cut)
        }
        Err(error) if is_absent(&error) => Ok(None),
        Err(error) => Err(unavailable("GetObject", &error)),
    }
}

pub(super) async fn delete(client: &Client, bucket: &str, key: &str) -> Result<(), Unavailable> {
    let deleted = client.delete_object().bucket(bucket).key(key).send().await;
    deleted.map(drop).map_err(|error| unavailable("DeleteObject", &error))
}

/// Only said so to those who may list the bucket; to others an absent object is a forbidden one.
fn is_absent<R>(error: &SdkError<GetObjectError, R>) -> bool {
    error.as_service_error().is_some_and(GetObjectError::is_no_such_key)
}
