use crate::stack::with_stack;
use rtr_aws::secrets::ManagedSecrets;
use rtr_engine::seams::Secrets;
use secrecy::{ExposeSecret, SecretString};

#[test]
fn given_a_secret_when_written_then_each_text_has_its_version() {
    with_stack(async |clients, name| {
        let secrets = ManagedSecrets::new(&clients);
        let text = |text: &str| SecretString::from(text);
        assert!(secrets.read(&name).await.unwrap().is_none());
        assert!(secrets.write(&name, &text("{}")).await.is_err());

        let first = secrets.create_or_write(&name, &text("{\"a\":1}")).await.unwrap();
        let second = secrets.create_or_write(&name, &text("{\"a\":2}")).await.unwrap();
        let third = secrets.write(&name, &text("{\"a\":3}")).await.unwrap();
        let read = secrets.read(&name).await.unwrap().unwrap();
        assert_eq!((read.text.expose_secret(), &read.version), ("{\"a\":3}", &third));
        assert!(first != second && second != third);
        let delete = clients.secrets.delete_secret().secret_id(&name).recovery_window_in_days(7);
        delete.send().await.unwrap();
        assert!(secrets.read(&name).await.unwrap().is_none());
    });
}
