//! nginx with its RTMP module, on free ports, from a configuration of its own.

use std::{
    fs,
    process::{Child, Command, Stdio},
};

use camino::Utf8PathBuf;

use super::{free_port, signal, until};

const MODULE: &str = "/usr/lib/nginx/modules/ngx_rtmp_module.so";

/// One nginx: an RTMP server for the application `live`, and a file server for its folder `www`.
pub struct Nginx {
    dir: tempfile::TempDir,
    host: String,
    /// Where it listens for RTMP.
    pub rtmp_port: u16,
    /// Where it serves files.
    pub http_port: u16,
    within: Vec<String>,
    child: Option<Child>,
}

impl Nginx {
    /// Starts one on loopback.
    pub async fn start() -> Self {
        Self::start_on("127.0.0.1", &[]).await
    }

    /// Starts one on `host`, by a command that runs others (`ip netns exec …`), if one is given.
    pub async fn start_on(host: &str, within: &[&str]) -> Self {
        assert!(
            fs::exists(MODULE).unwrap_or(false),
            "nginx's RTMP module is missing: run scripts/setup --test"
        );
        let dir = tempfile::Builder::new().prefix("clipmill-nginx").tempdir().unwrap();
        let mut nginx = Self {
            dir,
            host: host.to_owned(),
            rtmp_port: free_port(),
            http_port: free_port(),
            within: within.iter().map(|&w| w.to_owned()).collect(),
            child: None,
        };
        fs::create_dir_all(nginx.www()).unwrap();
        fs::write(nginx.path("nginx.conf"), nginx.conf()).unwrap();
        nginx.run().await;
        nginx
    }

    fn path(&self, name: &str) -> Utf8PathBuf {
        Utf8PathBuf::from_path_buf(self.dir.path().join(name)).unwrap()
    }

    fn conf(&self) -> String {
        let (dir, host) = (self.path(""), &self.host);
        let (rtmp, http) = (self.rtmp_port, self.http_port);
        format!(
            "load_module {MODULE};
             daemon off; master_process off; worker_processes 1;
             pid {dir}/nginx.pid; error_log {dir}/error.log notice;
             events {{ worker_connections 512; }}
             rtmp {{ server {{ listen {host}:{rtmp}; chunk_size 4096;
               application live {{ live on; wait_key on; idle_streams off; }} }} }}
             http {{ access_log off; sendfile off; keepalive_timeout 5;
               client_body_temp_path {dir}/t1; proxy_temp_path {dir}/t2; fastcgi_temp_path {dir}/t3;
               uwsgi_temp_path {dir}/t4; scgi_temp_path {dir}/t5;
               types {{ application/vnd.apple.mpegurl m3u8; video/mp2t ts; }}
               server {{ listen {host}:{http}; location / {{ root {dir}/www; add_header Cache-Control no-cache; }} }} }}"
        )
    }

    /// Starts it, first or again, and waits until it answers.
    pub async fn run(&mut self) {
        let conf = self.path("nginx.conf");
        let words =
            self.within.iter().map(String::as_str).chain(["nginx", "-e", "stderr", "-c", conf.as_str()]);
        let words: Vec<&str> = words.collect();
        let mut command = Command::new(words[0]);
        command.args(&words[1..]).stdout(Stdio::null()).stderr(Stdio::null());
        self.child = Some(command.spawn().expect("nginx is installed: scripts/setup --test"));
        let pid_file = self.path("nginx.pid");
        until("nginx listens", 20, async || {
            fs::read_to_string(&pid_file).is_ok_and(|p| !p.trim().is_empty())
        })
        .await;
    }

    /// The folder that is served over HTTP.
    pub fn www(&self) -> Utf8PathBuf {
        self.path("www")
    }

    /// The RTMP address of a stream.
    pub fn rtmp(&self, name: &str) -> String {
        format!("rtmp://{}:{}/live/{name}", self.host, self.rtmp_port)
    }

    /// The HTTP address of a file in `www`.
    pub fn http(&self, file: &str) -> String {
        format!("http://{}:{}/{file}", self.host, self.http_port)
    }

    fn pid(&self) -> u32 {
        // Behind a command that runs others it is not the child.
        fs::read_to_string(self.path("nginx.pid")).unwrap().trim().parse().unwrap()
    }

    /// SIGKILL.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            signal(self.pid(), "KILL");
            let _ = child.wait();
            let _ = fs::remove_file(self.path("nginx.pid"));
        }
    }

    /// SIGSTOP: connections stay, nothing moves.
    pub fn freeze(&self) {
        signal(self.pid(), "STOP");
    }

    pub fn thaw(&self) {
        signal(self.pid(), "CONT");
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            if let Ok(pid) = fs::read_to_string(self.path("nginx.pid")) {
                let _ = Command::new("kill").args(["-KILL", pid.trim()]).status();
            }
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
