//! Backup, restore and check.

use super::*;

async fn filled(place: &Place) -> Store {
    let store = place.open();
    let router = store.router("gw").await.unwrap();
    store.put_events(router, batch(1..300, 0), NOW).await.unwrap();
    store.put_sample(router, sample(NOW)).await.unwrap();
    store
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_is_made_while_work_goes_on_and_can_be_put_back() {
    let place = Place::new();
    let store = filled(&place).await;
    let router = store.router("gw").await.unwrap();
    let to = place.file("backup.db");
    let writing = async {
        for seq in 300..400 {
            store.put_events(router, batch(seq..seq + 1, 0), NOW).await.unwrap();
        }
    };
    let (bytes, ()) = tokio::join!(store.backup(&to), writing);
    assert_eq!(bytes.unwrap(), std::fs::metadata(&to).unwrap().len());
    assert_eq!(place.names_with("backup"), ["backup.db"], "one file, no WAL");
    assert!(store.health().last_backup.unwrap() > NOW);
    store.backup(&to).await.unwrap();

    let told = restore(&place.path, &to).unwrap_err();
    assert!(matches!(told, StoreError::Busy { .. }), "it is open: {told}");
    store.put_events(router, batch(400..402, 0), NOW).await.unwrap();
    store.close().await;
    drop(store);
    restore(&place.path, &to).unwrap();
    assert!(!place.names_with("replaced").is_empty());
    let store = place.open();
    assert_eq!(rows(store.events(all_events())).await.len(), 399);
    let router = store.router("gw").await.unwrap();
    assert_eq!(store.cursor(router).await.unwrap().unwrap().after, 399);
    assert_eq!(store.health().writable, Ok(()));
}

#[tokio::test]
async fn a_bad_backup_is_not_put_back() {
    let place = Place::new();
    let store = filled(&place).await;
    let to = place.file("backup.db");
    store.backup(&to).await.unwrap();
    store.close().await;
    drop(store);
    let good = std::fs::read(&to).unwrap();
    let before = std::fs::read(&place.path).unwrap();
    let mut bad = good.clone();
    bad[8192..].fill(0xA5);
    for (bytes, why) in [(&bad[..], "damaged"), (b"text", "damaged"), (&good[..20_000], "damaged")]
    {
        std::fs::write(&to, bytes).unwrap();
        let told = restore(&place.path, &to).unwrap_err().to_string();
        assert!(told.contains(why), "{told}");
    }
    assert!(restore(&place.path, &place.file("none.db")).is_err());
    assert_eq!(std::fs::read(&place.path).unwrap(), before);
    assert!(place.names_with("restoring").is_empty());
}

#[tokio::test]
async fn a_backup_goes_where_it_can() {
    let place = Place::new();
    let store = filled(&place).await;
    let itself = store.backup(&place.path).await.unwrap_err();
    assert!(matches!(itself, StoreError::File { .. }), "{itself}");
    let folder = store.backup(place.path.parent().unwrap()).await.unwrap_err();
    assert!(matches!(folder, StoreError::IsFolder { .. }), "{folder}");
    let nowhere = store.backup(&place.file("no/backup.db")).await.unwrap_err();
    assert!(matches!(nowhere, StoreError::NoFolder { .. }), "{nowhere}");
    assert_eq!(store.health().last_backup, None);
}

#[tokio::test]
async fn a_damaged_database_is_replaced_by_its_backup() {
    let place = Place::new();
    let store = filled(&place).await;
    let to = place.file("backup.db");
    store.backup(&to).await.unwrap();
    store.close().await;
    drop(store);
    std::fs::write(&place.path, "garbage, longer than a header of SQLite would be, or so").unwrap();
    restore(&place.path, &to).unwrap();
    assert_eq!(rows(place.open().events(all_events())).await.len(), 299);
}

#[tokio::test]
async fn check_tells_what_is_in_it_and_what_is_damaged() {
    let place = Place::new();
    let store = filled(&place).await;
    store.close().await;
    let report = check(&place.path).unwrap();
    assert!(report.is_good(), "{report}");
    let tables = report.tables.iter().map(|table| (table.name.as_str(), table.rows));
    let rows: Vec<_> = tables.filter(|(_, rows)| *rows > 0).collect();
    let expected = [
        ("cursors", 1),
        ("events", 299),
        ("hours_due", 1),
        ("pings", 2),
        ("routers", 2),
        ("samples", 1),
        ("streams", 1),
        ("targets", 2),
    ];
    assert_eq!(rows, expected);
    assert!(report.to_string().contains(": whole, schema 3\n"), "{report}");
    let mut bytes = std::fs::read(&place.path).unwrap();
    let end = bytes.len() - 3000;
    bytes[end..].fill(0xA5);
    std::fs::write(&place.path, bytes).unwrap();
    let report = check(&place.path).unwrap();
    assert!(!report.is_good());
    assert!(report.to_string().contains("DAMAGED"), "{report}");
    assert!(check(&place.file("none.db")).is_err());
}
