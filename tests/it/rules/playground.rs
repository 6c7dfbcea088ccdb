//! The playground that is served was built from its sources: whoever changes them builds again (`playground/README.md`).

use std::path::Path;

use sha2::{Digest, Sha256};

use crate::house::project;

/// What `playground/vite.config.js` calls SOURCES.
const SOURCES: [&str; 8] =
    ["demo-ids.json", "examples", "index.html", "package-lock.json", "package.json", "public", "src", "vite.config.js"];

#[test]
fn the_playground_was_built_from_its_sources() {
    let folder = project().join("playground");
    let mut files = Vec::new();
    for source in SOURCES {
        collect(&folder, source, &mut files);
    }
    files.sort();
    let digest = files.iter().fold(Sha256::new(), |digest, file| {
        let content = std::fs::read(folder.join(file)).unwrap();
        digest.chain_update(file).chain_update([0]).chain_update(content).chain_update([0])
    });
    let found: String = digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    let stamped = std::fs::read_to_string(folder.join("dist/sources.sha256")).unwrap_or_default();
    assert_eq!(
        stamped.trim(),
        found,
        "playground/dist is not built from its sources: run `npm ci && npm run build` in playground"
    );
}

fn collect(folder: &Path, path: &str, files: &mut Vec<String>) {
    if !folder.join(path).is_dir() {
        return files.push(path.to_owned());
    }
    for entry in std::fs::read_dir(folder.join(path)).unwrap() {
        collect(folder, &format!("{path}/{}", entry.unwrap().file_name().to_str().unwrap()), files);
    }
}
