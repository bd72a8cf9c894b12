//! The network goes away: the peer lives in a network namespace of its own, whose link is taken down.

use tokio::process::Command;

use clipmill_ingest::record::RecordConfig;

use crate::rig::{
    clips::{gop, plain},
    encoder::Encoder,
    figure,
    lab::{KEY, Lab, config},
    nginx::Nginx,
    pause,
    room::{inside, must},
};

const PEER: [&str; 4] = ["ip", "netns", "exec", "peer"];
const OURS: &str = "10.77.0.1";
const THEIRS: &str = "10.77.0.2";
const FLAGS: [&str; 2] = ["--net", "--mount"];

/// Frames on their way when the link goes down: 0.4 s.
const ON_THE_WAY: usize = 10;

/// Two machines with a link between them.
fn lay_the_cable() {
    for words in [
        // The names of namespaces are files: in a place of our own.
        "mount -t tmpfs none /run",
        "ip link set lo up",
        "ip netns add peer",
        "ip link add near type veth peer name far netns peer",
        "ip addr add 10.77.0.1/24 dev near",
        "ip link set near up",
        "ip -n peer link set lo up",
        "ip -n peer addr add 10.77.0.2/24 dev far",
        "ip -n peer link set far up",
    ] {
        must(words);
    }
}

fn in_peer() -> Command {
    let mut command = Command::new(PEER[0]);
    command.args(&PEER[1..]).arg("ffmpeg");
    command
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_link_to_a_server_goes_down_and_up() {
    if !inside("network::the_link_to_a_server_goes_down_and_up", &FLAGS) {
        return;
    }
    lay_the_cable();
    let nginx = Nginx::start_on(THEIRS, &PEER).await;
    let mut lab = Lab::start().await;
    let a = plain();
    let encoder = Encoder::with(in_peer(), &["-i", a.path.as_str()], &["-f", "flv", &nginx.rtmp("room")]);
    lab.pull(&nginx.rtmp("room")).await;
    lab.keeps(2.0).await;
    let from = encoder.sent();
    must("ip link set near down");
    lab.epoch_ends(20).await;
    pause(3.0).await;
    must("ip link set near up");
    let back = lab.back().await;
    lab.recovers("RTMP pull, link down and up", &back).await;
    let to = encoder.sent() + gop(&a);
    pause(3.0).await;
    let found = lab.judge(&[&a]).await;
    found.assert_true().assert_lost_within(0, from - ON_THE_WAY..to);
    let off = found.assert_gaps_true(0, 1.0);
    figure(&format!("network: gap map off by {off:.2} s at most"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_link_to_an_encoder_goes_down_and_up() {
    if !inside("network::the_link_to_an_encoder_goes_down_and_up", &FLAGS) {
        return;
    }
    lay_the_cable();
    let mut lab =
        Lab::start_with(RecordConfig { rtmp_bind: format!("{OURS}:0").parse().unwrap(), ..config() }).await;
    let a = plain();
    let url = format!("rtmp://{}/live/{KEY}", lab.addr());
    let encoder = Encoder::with(in_peer(), &["-i", a.path.as_str()], &["-f", "flv", &url]);
    encoder.reaches(80).await;
    let from = encoder.sent();
    must("ip link set near down");
    lab.epoch_ends(20).await;
    pause(1.0).await;
    must("ip link set near up");
    let back = lab.back().await;
    // The same connection goes on when the sender's TCP tries again: what it held back comes in a burst.
    lab.recovers("RTMP push, link down and up", &back).await;
    encoder.reaches(from + 250).await;
    let sent = encoder.kill().await;
    lab.epoch_ends(30).await;
    let found = lab.judge(&[&a]).await;
    found.assert_true().assert_whole_to(0, from - ON_THE_WAY);
    found.assert_lost_within(0, from - ON_THE_WAY..from + gop(&a) + ON_THE_WAY);
    assert!(found.last(0).unwrap() + 2 * ON_THE_WAY >= sent);
}
