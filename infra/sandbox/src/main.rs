//! The sandbox behind a socket: `rtr-sandbox --port 4600`.

mod aws_counter;
mod courier;
mod server;

use anyhow::Context;
use clap::Parser;
use std::net::IpAddr;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

/// A fake CRM that behaves, and misbehaves, as the vendors' do.
#[derive(Parser)]
#[command(version)]
struct Args {
    /// Where to listen.
    #[arg(long, default_value = "127.0.0.1")]
    host: IpAddr,
    /// The port; 0 takes a free one and prints it.
    #[arg(long, default_value_t = 4600, env = "RTR_SANDBOX_PORT")]
    port: u16,
    /// A second port that forwards to an AWS endpoint and counts the requests; 0 takes a free one.
    #[arg(long)]
    aws_counter: Option<u16>,
    /// The AWS endpoint it forwards to.
    #[arg(long, default_value = "http://127.0.0.1:4566")]
    aws_upstream: String,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    if let Some(port) = args.aws_counter {
        let upstream = aws_counter::Upstream::parse(&args.aws_upstream)?;
        let listener = bind(args.host, port).await?;
        println!("aws counter ready on http://{} for {}", listener.local_addr()?, args.aws_upstream);
        tokio::spawn(aws_counter::run(listener, upstream));
    }
    let listener = bind(args.host, args.port).await?;
    println!("sandbox ready on http://{}", listener.local_addr()?);
    let (mut term, mut int) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    tokio::select! {
        () = server::run(listener) => {}
        _ = term.recv() => {}
        _ = int.recv() => {}
    }
    Ok(())
}

async fn bind(host: IpAddr, port: u16) -> anyhow::Result<TcpListener> {
    TcpListener::bind((host, port)).await.with_context(|| format!("cannot listen on {host}:{port}"))
}
