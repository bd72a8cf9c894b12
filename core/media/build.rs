//! Finds libsrt, which Debian names by its cipher library (`libsrt-gnutls-dev`) and others do not.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    if let Err(error) = pkg_config::Config::new().atleast_version("1.5").probe("srt") {
        println!("cargo:warning=libsrt 1.5 is needed; on Debian: apt-get install libsrt-gnutls-dev");
        panic!("{error}");
    }
}
