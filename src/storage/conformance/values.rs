//! Values that come back as they went in.

use super::{Verdict, support::*};
use crate::{
    error::ErrorCode,
    storage::{Change, Query, Value},
};

pub(super) async fn every_type_comes_back(storage: Store) -> Verdict {
    let tenant = tenant();
    let full = event(&tenant, "full")
        .set("at", micros(1_795_546_800_000_001))
        .set("event_kind", "message.delivered")
        .set("body", vec![0, 1, 2, 255])
        .set("attempts", -3i64)
        .set("next_attempt_at", micros(-1))
        .set("error", "timeout");
    let settings = config(&tenant, "twilio")
        .set("enabled", false)
        // Documents are kept as the text they are, spaces and the order of names too.
        .set("settings", "{ \"b\": 1.0,\n \"a\": [null, \"é\"] }");
    for record in [full, event(&tenant, "sparse"), settings] {
        insert(&storage, [record.clone()]).await?;
        stands(&storage, &record).await?;
        let query = Query::of(record.key.table, &tenant).eq("id", record.key.id.clone());
        same!(storage.query(&query).await?.records, vec![record], "the row in a page");
    }
    Ok(())
}

pub(super) async fn integers_from_end_to_end(storage: Store) -> Verdict {
    let tenant = tenant();
    for number in [i64::MIN, i64::MIN + 1, -(1 << 53) - 1, -1, 0, 1, (1 << 53) + 1, i64::MAX - 1, i64::MAX] {
        let record = event(&tenant, &number.to_string()).set("attempts", number);
        insert(&storage, [record.clone()]).await?;
        stands(&storage, &record).await?;
    }
    Ok(())
}

pub(super) async fn moments_before_1970_and_far_ahead(storage: Store) -> Verdict {
    let tenant = tenant();
    let moments = [
        -62_167_219_200_000_000, // year 0
        -62_135_596_800_000_000, // year 1
        -2_203_891_200_000_001,  // before a leap day that there was not
        -1,
        0,
        951_782_400_123_456,     // a leap day
        253_402_300_799_999_999, // the end of year 9999
    ];
    for moment in moments {
        let record = event(&tenant, &moment.to_string()).set("at", micros(moment));
        insert(&storage, [record.clone()]).await?;
        stands(&storage, &record).await?;
    }
    let shall: Vec<String> = moments.iter().map(i64::to_string).collect();
    same!(ids(&storage, events(&tenant).oldest_first("at")).await?, shall, "moments in order");
    Ok(())
}

pub(super) async fn a_moment_out_of_range_is_refused(storage: Store) -> Verdict {
    let tenant = tenant();
    for moment in [i64::MIN, -62_167_219_200_000_001, 253_402_300_800_000_000, i64::MAX] {
        let record = event(&tenant, "a").set("next_attempt_at", micros(moment));
        refused(storage.commit(&[Change::Insert(record.clone())]).await, ErrorCode::Internal)?;
        is_gone(&storage, &record).await?;
    }
    Ok(())
}

const SCRIPTS: [&str; 12] = [
    "plain",
    "it's \"quoted\" `so` [and] so",
    "%_\\ wild",
    "línea\nnueva\r\n\ttab",
    "Ünïcödé",
    "עברית العربية",
    "中文 日本語 한국어",
    "👩‍👩‍👧‍👦🏳️‍🌈",
    "e\u{301} is not é",
    "\u{0} in \u{0} the middle \u{0}",
    "\u{feff}bom \u{202e}override",
    "\u{10ffff}\u{e000}",
];

pub(super) async fn text_of_every_script(storage: Store) -> Verdict {
    let tenant = tenant();
    for (n, text) in SCRIPTS.iter().enumerate() {
        let record = event(&tenant, &n.to_string()).set("error", *text).set("provider", *text);
        insert(&storage, [record.clone()]).await?;
        stands(&storage, &record).await?;
        same!(ids(&storage, events(&tenant).eq("error", *text)).await?, [n.to_string()], "the row of {text:?}");
    }
    Ok(())
}

pub(super) async fn large_text_and_bytes(storage: Store) -> Verdict {
    let tenant = tenant();
    let text = "größer ".repeat(150_000);
    let bytes: Vec<u8> = (0..1_000_003u32).map(|n| (n % 251) as u8).collect();
    let record = event(&tenant, "large").set("error", text).set("body", bytes);
    insert(&storage, [record.clone()]).await?;
    stands(&storage, &record).await?;
    let smaller = record.set("body", vec![1]);
    storage.commit(&[put(&smaller, Some(1))]).await?;
    stands(&storage, &at_version(smaller, 2)).await
}

pub(super) async fn every_byte(storage: Store) -> Verdict {
    let record = event(&tenant(), "bytes").set("body", (0..=255u8).collect::<Vec<u8>>());
    insert(&storage, [record.clone()]).await?;
    stands(&storage, &record).await
}

pub(super) async fn empty_is_not_nothing(storage: Store) -> Verdict {
    let tenant = tenant();
    let empty = event(&tenant, "empty").set("error", "").set("body", Vec::new()).set("provider", "");
    let nothing = event(&tenant, "nothing").set("error", Value::Null).set("body", Value::Null);
    insert(&storage, [empty.clone(), nothing.clone()]).await?;
    stands(&storage, &empty).await?;
    stands(&storage, &nothing).await
}

pub(super) async fn ids_of_every_script(storage: Store) -> Verdict {
    let tenant = tenant();
    let long = "x".repeat(1000);
    for id in SCRIPTS.iter().copied().chain(["", " ", long.as_str()]) {
        let record = event(&tenant, id);
        insert(&storage, [record.clone()]).await?;
        stands(&storage, &record).await?;
        storage.commit(&[put(&record, Some(1))]).await?;
        storage.commit(&[delete(&record, Some(2))]).await?;
        is_gone(&storage, &record).await?;
    }
    Ok(())
}
