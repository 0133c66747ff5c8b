//! Tests of `lenient`: what agents answer, and what is made of it.

use proptest::prelude::*;
use serde_json::json;

use super::*;

#[track_caller]
fn check(body: &str, expected: Value, skipped: u32, is_cut: bool) {
    let Value::Object(members) = expected else { panic!("{expected}: expected an object") };
    assert_eq!(read(body.as_bytes()), Ok(Reading { members, skipped, is_cut }), "{body}");
}

#[track_caller]
fn check_whole(body: &str, expected: Value) {
    check(body, expected, 0, false);
}

#[test]
fn commas_that_are_too_many_or_missing_change_nothing() {
    check_whole(r#"{"e":[{"a":1},,{"b":2},]}"#, json!({"e": [{"a": 1}, {"b": 2}]}));
    check_whole("{\"e\":[\n{\"a\":1}\n{\"b\":2}\n,\n]\n}\n", json!({"e": [{"a": 1}, {"b": 2}]}));
    check_whole(r#"{,"a":1,,"b":2 "c":3,}"#, json!({"a": 1, "b": 2, "c": 3}));
}

#[test]
fn values_that_a_command_did_not_give_are_null() {
    check_whole(r#"{"rx":,"tx":}"#, json!({"rx": null, "tx": null}));
    check(
        r#"{"rx":N/A,"tx":NaN,"t":-inf,"n":nan}"#,
        json!({"rx": null, "tx": null, "t": null, "n": null}),
        4,
        false,
    );
    check(
        r#"{"rx_errors": RX packets 12 bytes 3 (3 B),"a":1}"#,
        json!({"rx_errors": null, "a": 1}),
        1,
        false,
    );
    check_whole(
        r#"{"a":-8.6,"b":+5,"c":.5,"d":007,"e":-7}"#,
        json!({"a": -8.6, "b": 5, "c": 0.5, "d": 7, "e": -7}),
    );
}

#[test]
fn a_list_read_while_it_is_written_ends_at_the_next_name() {
    check_whole(
        r#"{"events":[{"a":1},,"summary":{"b":2}}"#,
        json!({"events": [{"a": 1}], "summary": {"b": 2}}),
    );
    check_whole(r#"{"events":[,"summary":{"b":2}}"#, json!({"events": [], "summary": {"b": 2}}));
    check_whole(r#"{"events":,"summary":{"b":2}}"#, json!({"events": null, "summary": {"b": 2}}));
    check_whole(r#"{"a":[[1,[2,"b":{"c":3}}"#, json!({"a": [[1, [2]]], "b": {"c": 3}}));
    check_whole(r#"{"events":[{"a":1}},"lost":1}"#, json!({"events": [{"a": 1}]}));
    check_whole(r#"{"events":[{"a":1],"b":2}"#, json!({"events": [{"a": 1}], "b": 2}));
}

#[test]
fn what_is_whole_before_the_cut_is_saved() {
    check(
        r#"{"a":1,"e":[{"t":1,"m":"x"},{"t":2,"m":"y"#,
        json!({"a": 1, "e": [{"t": 1, "m": "x"}]}),
        2,
        true,
    );
    check(r#"{"a":{"b":1,"c":52.8"#, json!({"a": {"b": 1}}), 1, true);
    check(r#"{"a":1,"b"#, json!({"a": 1}), 1, true);
    check(r#"{"a":1,"b":"#, json!({"a": 1}), 1, true);
    check(r#"{"a":1,"b":"x\"#, json!({"a": 1}), 1, true);
    check("{", json!({}), 0, true);
}

#[test]
fn texts_may_hold_anything() {
    check_whole("{\"m\":\"a\u{1}\tb\nc\"}", json!({"m": "a\u{1}\tb\nc"}));
    check_whole(
        r#"{"m":"\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00"}"#,
        json!({"m": "\"\\/\u{8}\u{c}\n\r\té😀"}),
    );
    check_whole(
        r#"{"m":"\q\ud83dx\ud83d\u0041\uzz"}"#,
        json!({"m": "q\u{fffd}x\u{fffd}A\u{fffd}zz"}),
    );
    check_whole("\u{feff}{\"m\":\"线路\"}", json!({"m": "线路"}));
    let reading = read(b"{\"m\":\"\xff\xfe\"}").unwrap();
    assert_eq!(reading.members["m"], "\u{fffd}\u{fffd}");
}

#[test]
fn of_equal_names_the_last_counts() {
    check_whole(r#"{"a":1,"a":2}"#, json!({"a": 2}));
}

#[test]
fn what_has_no_name_is_left_out() {
    check(r#"{"a":1,{"b":2},rx:5,],"c":3}"#, json!({"a": 1, "c": 3}), 3, false);
    check(r#"{"a" 1,"c":3}"#, json!({"c": 3}), 2, false);
}

#[test]
fn what_is_no_object_is_told_apart() {
    #[track_caller]
    fn check(body: &[u8], expected: NotJson) {
        assert_eq!(read(body), Err(expected), "{body:?}");
    }
    check(b"", NotJson::Empty);
    check(b" \r\n", NotJson::Empty);
    check(b"<!DOCTYPE html>", NotJson::Html);
    check(b"\x1f\x8b\x08\0\0", NotJson::Compressed);
    check(b"[1]", NotJson::Other);
    check(b"null", NotJson::Other);
    check(b"Unauthorized", NotJson::Other);
}

#[test]
fn depth_items_values_and_texts_are_bounded() {
    let deep = format!(r#"{{"a":{}1{},"b":2}}"#, "[".repeat(100_000), "]".repeat(100_000));
    let reading = read(deep.as_bytes()).unwrap();
    assert_eq!((&reading.members["b"], reading.skipped), (&json!(2), 1));

    let open = format!(r#"{{"a":{}"#, "[{".repeat(100_000));
    assert!(read(open.as_bytes()).unwrap().is_cut);

    let long = format!(r#"{{"a":[{}],"b":2}}"#, "1,".repeat(MAX_ITEMS + 7));
    let reading = read(long.as_bytes()).unwrap();
    assert_eq!(reading.members["a"].as_array().unwrap().len(), MAX_ITEMS);
    assert_eq!((&reading.members["b"], reading.skipped), (&json!(2), 7));

    let lists = format!("[{}],", "1,".repeat(MAX_ITEMS)).repeat(20);
    let reading = read(format!(r#"{{"a":[{lists}],"b":2}}"#).as_bytes()).unwrap();
    assert_eq!(reading.members["b"], 2);
    let kept =
        reading.members["a"].as_array().unwrap().iter().map(|list| list.as_array().unwrap().len());
    assert!(kept.sum::<usize>() <= MAX_VALUES);

    let text = format!(r#"{{"a":"{}"}}"#, "x".repeat(MAX_TEXT_BYTES + 9));
    assert_eq!(read(text.as_bytes()).unwrap().members["a"].as_str().unwrap().len(), MAX_TEXT_BYTES);
}

fn any_json() -> impl Strategy<Value = Value> {
    let scalar = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        (-1_000_000_i32..1_000_000).prop_map(|number| Value::from(f64::from(number) / 8.0)),
        any::<String>().prop_map(Value::from),
    ];
    scalar.prop_recursive(5, 60, 8, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..8).prop_map(Value::from),
            prop::collection::btree_map(any::<String>(), inner, 0..8)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn json_is_read_as_serde_json_reads_it(value in any_json(), is_pretty in any::<bool>()) {
        let value = json!({"value": value});
        let text = if is_pretty { serde_json::to_string_pretty(&value) } else { serde_json::to_string(&value) };
        let reading = read(text.unwrap().as_bytes()).unwrap();
        prop_assert_eq!((Value::Object(reading.members), reading.skipped, reading.is_cut), (value, 0, false));
    }

    #[test]
    fn cut_anywhere_it_is_still_read(value in any_json(), share in 0.0..1.0) {
        let text = json!({"value": value, "z": 1}).to_string();
        let end = 1 + ((text.len() - 1) as f64 * share) as usize;
        prop_assert!(read(&text.as_bytes()[..end]).unwrap().is_cut);
    }

    #[test]
    fn no_bytes_make_it_panic(body in prop::collection::vec(any::<u8>(), 0..300)) {
        read(&body).ok();
        read(&[b"{", body.as_slice()].concat()).ok();
    }

    #[test]
    fn no_mix_of_signs_makes_it_panic_or_stay(
        parts in prop::collection::vec(prop::sample::select(vec![
            "{", "}", "[", "]", "\"", ":", ",", "\\", "\\u", "\"a\":", "1", "NaN", " ", "é", "\u{0}", "d83d",
        ]), 0..300)
    ) {
        read(format!("{{{}", parts.concat()).as_bytes()).ok();
    }
}
