//! The program. Everything is in the library, so that tests can reach it.

/// A quarter of an operation's time is spent in the allocator; this one spends less.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    polyphony::commands::main()
}
