//! Fetches models by name: `cargo run -p clipmill-inference --example fetch -- FOLDER NAME…`.

use clipmill_inference::registry::{FetchOptions, Progress, Registry};

fn main() -> anyhow::Result<()> {
    let mut args = std::env::args().skip(1);
    let folder = args.next().ok_or_else(|| anyhow::anyhow!("give the models folder, then names"))?;
    let registry = Registry::new(folder, None)?;
    for name in args {
        let mut tenth = 0;
        let file = registry.fetch(&name, &FetchOptions::default(), &mut |p| {
            if let Progress::Bytes { done, total, .. } = p {
                let now = done * 10 / total.max(&1);
                if std::mem::replace(&mut tenth, now) == now {
                    return;
                }
            }
            println!("{name}: {p}");
        })?;
        println!("{name}: {} {}", file.sha256, file.path);
    }
    Ok(())
}
