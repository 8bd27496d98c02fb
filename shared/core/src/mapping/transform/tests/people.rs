use super::*;

#[test]
fn given_phone_numbers_when_written_in_many_ways_then_they_read_alike_or_stay_as_they_are() {
    let cases = [
        ("DE", "+49 30 1234567", "+49301234567"),
        ("49", "0049 30 1234567", "+49301234567"),
        ("49", "030/1234567", "+49301234567"),
        ("+49", "(030) 123 45 67 ext. 12", "+49301234567"),
        ("de", " ask reception ", "ask reception"),
        ("49", "112", "112"),
        // Italy keeps its zero, Hungary dials two digits, Russia an eight, America a one and another way out.
        ("IT", "06 698 12345", "+390669812345"),
        ("HU", "06 1 234 5678", "+3612345678"),
        ("RU", "8 (495) 123-45-67", "+74951234567"),
        ("RU", "810 49 30 1234567", "+49301234567"),
        ("US", "1 415 555 2671 x5", "+14155552671"),
        ("US", "(415) 555-2671", "+14155552671"),
        ("US", "011 44 20 7946 0958", "+442079460958"),
        ("GB", "020 7946 0958", "+442079460958"),
        ("XX", "1234567", "error: phone: no such country; write it like \"DE\" or \"49\""),
    ];
    for (country, x, wanted) in cases {
        assert_eq!(of(&format!("x | phone('{country}')"), x), wanted, "{x} in {country}");
    }
    // Nobody says of which country it is.
    assert_eq!(of("x | phone", "030 1234567"), "0301234567");
    assert_eq!(of("x | phone", "+49 (30) 1234567"), "+49301234567");
}

#[test]
fn given_addresses_when_read_then_what_no_crm_takes_is_left_out() {
    for (x, wanted) in [
        (" Ada@X.IO ", "ada@x.io"),
        ("Ada King <ada@x.io>", "ada@x.io"),
        ("mailto:ada@x.io", "ada@x.io"),
        ("ada+crm@mail.x.co.uk", "ada+crm@mail.x.co.uk"),
        ("jörg@müller.de", "jörg@müller.de"),
    ] {
        assert_eq!(of("x | email", x), wanted, "{x}");
    }
    for x in [
        "",
        "ada",
        "ada@",
        "@x.io",
        "ada@x",
        "a b@x.io",
        "ada@x..io",
        ".ada@x.io",
        "a@b@x.io",
        "ada@-x.io",
        "n/a",
        "ada@x.1",
        "ada@x.io, bob@x.io",
    ] {
        assert_eq!(of("x | email", x), "undefined", "{x}");
    }
}

#[test]
fn given_whole_names_when_taken_apart_then_titles_are_left_out_and_particles_stay_with_the_family() {
    for (x, given, family) in [
        ("Ada King", "Ada", "King"),
        ("Ada Augusta King", "Ada Augusta", "King"),
        ("King, Ada Augusta", "Ada Augusta", "King"),
        ("Dr. Ada King", "Ada", "King"),
        ("Prof. Dr. Ludwig van Beethoven", "Ludwig", "van Beethoven"),
        ("Oscar de la Renta", "Oscar", "de la Renta"),
        ("van Beethoven, Ludwig", "Ludwig", "van Beethoven"),
        ("Martin King, Jr.", "Martin", "King"),
        ("Martin King Jr", "Martin", "King"),
        ("Plato", "undefined", "Plato"),
        ("Dr.", "undefined", "Dr."),
        ("van", "undefined", "van"),
        ("  ", "undefined", "undefined"),
        (",", "undefined", "undefined"),
    ] {
        assert_eq!((of("x | given_name", x), of("x | family_name", x)), (given.into(), family.into()), "{x}");
    }
    assert_eq!(of("x | initials", "ada (countess) of lovelace"), "ACOL");
}
