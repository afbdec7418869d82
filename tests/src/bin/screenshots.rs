//! Takes the screenshots of the portal's pages in `docs/screenshots`.

use workspace_tests::binary::workspace_root;
use workspace_tests::browser;

fn main() {
    let folder = workspace_root().join("docs/screenshots");
    std::fs::create_dir_all(&folder).expect("the folder is created");
    let facts = browser::run("screenshots.mjs", &[&folder.display().to_string()]);
    println!("{facts}");
}
