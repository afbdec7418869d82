//! The permissions of the files.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use billing_domain::Mode;
use billing_testkit::samples::{account, add_link, customer, link, user};

use crate::fixture::Fixture;
use crate::shared::fixture::open;

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

/// Runs itself in a second process, because the umask applies to the whole process.
#[tokio::test]
async fn only_owner_can_read_files_with_permissive_umask() {
    const CHILD: &str = "FILE_MODES_TEST";
    if std::env::var_os(CHILD).is_none() {
        let ran = Command::new("sh")
            .args(["-c", r#"umask 000; exec "$0" "$@""#])
            .arg(std::env::current_exe().unwrap())
            .args(["--exact", "file_modes::only_owner_can_read_files_with_permissive_umask"])
            .env(CHILD, "1")
            .output()
            .unwrap();
        assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stdout));
        return;
    }
    let fixture = Fixture::new().await;
    let control = fixture.file().parent().unwrap().with_file_name("control");
    fs::write(&control, "").unwrap();
    assert_eq!(mode(&control), 0o666, "this test needs a permissive umask");

    let store = fixture.migrated().await;
    let to = link(&user("ann"), &account("stripe", Mode::Test), &customer("cus_1"));
    add_link(&*store.customers(), &to).await.unwrap();
    let file = fixture.file();
    assert_eq!(mode(file.parent().unwrap()), 0o700);
    for name in ["billing.db", "billing.db-wal", "billing.db-shm"] {
        assert_eq!(mode(&file.with_file_name(name)), 0o600, "{name}");
    }
    store.database().close().await;

    // Existing files keep their mode.
    fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
    fs::set_permissions(file.parent().unwrap(), fs::Permissions::from_mode(0o755)).unwrap();
    let again = open(&fixture.url());
    assert_eq!(again.customers().list(&to.owner).await.unwrap(), [to]);
    assert_eq!(mode(&file), 0o640);
    assert_eq!(mode(file.parent().unwrap()), 0o755);
}
