//! How the programs of a node are linked: with few pages that belong to one process alone, because every node runs a dozen of
//! them all the time.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let is = |variable: &str, value: &str| std::env::var(variable).is_ok_and(|found| found == value);
    // Only there the toolchain brings the linker that knows these words.
    if is("CARGO_CFG_TARGET_ARCH", "x86_64")
        && is("CARGO_CFG_TARGET_OS", "linux")
        && is("CARGO_CFG_TARGET_ENV", "gnu")
    {
        // Which addresses to correct at the start, as a bitmap: the plain list has megabytes, and is read whole by each process.
        println!("cargo::rustc-link-arg-bins=-Wl,-z,pack-relative-relocs");
    }
}
