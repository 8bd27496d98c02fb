//! Bodies too large for an item.

use rtr_engine::seams::Records;

const KEY: &str = "bodies/ab/é 1#%";

/// Any bytes under any key; to remove what is not there is no failure.
pub async fn given_a_body_when_stored_then_it_reads_back_byte_by_byte_until_it_is_removed(
    records: &dyn Records,
) {
    let body: Vec<u8> = (0..1_048_576_u32).map(|n| u8::try_from(n % 251).unwrap()).collect();
    assert_eq!(records.body(KEY).await, Ok(None));
    records.put_body(KEY, &body).await.unwrap();
    records.put_body("bodies/ab/other", b"{}").await.unwrap();
    assert_eq!(records.body(KEY).await, Ok(Some(body)));
    records.delete_body(KEY).await.unwrap();
    records.delete_body(KEY).await.unwrap();
    assert_eq!(records.body(KEY).await, Ok(None));
    assert_eq!(records.body("bodies/ab/other").await, Ok(Some(b"{}".to_vec())));
    records.delete_body("bodies/ab/other").await.unwrap();
}

/// S3 reads are strongly consistent: the later body is the only one from then on.
pub async fn given_a_body_when_stored_again_then_the_later_one_is_there(records: &dyn Records) {
    for body in ["first", "", "third"] {
        records.put_body(KEY, body.as_bytes()).await.unwrap();
        assert_eq!(records.body(KEY).await, Ok(Some(body.as_bytes().to_vec())));
    }
    records.delete_body(KEY).await.unwrap();
}
