//! Two people in two browsers, as somebody meets Polyphony first: what one writes, the other sees.

use std::{path::Path, time::Duration};

use crate::house::{Browser, skip, variable};

/// Runs what is in the editor.
const RUN: &str = "button.graphiql-execute-button";
/// The message is to be seen. The editor breaks long lines, and writes blanks as no-break spaces.
const SEEN: &str =
    "document.querySelector('.result-window').textContent.replaceAll('\u{a0}', ' ').includes('Hello from the')";
/// What the strip under the answer says.
const STRIP: &str = "document.querySelector('[data-testid=last-answer]').textContent";

async fn sign_in(browser: &Browser, name: &str) {
    browser.press(&format!("[data-testid=signin-{name}]")).await;
    let status = "document.querySelector('[data-testid=signed-in-as]')?.textContent";
    browser.until(&format!("{name} to be signed in"), &format!("{status}?.includes('@{name}') === true")).await;
}

/// Opens an example.
async fn open(browser: &Browser, example: &str) {
    browser.press(&format!("[data-testid=example-{example}]")).await;
    let text = "document.querySelector('.graphiql-query-editor').textContent";
    browser.until(&format!("{example} in the editor"), &format!("{text}.includes('{example}')")).await;
}

async fn talk(alice: &Browser, bob: &Browser) {
    alice.until("the first tab", "document.querySelector('.graphiql-query-editor .view-line') !== null").await;
    picture(alice, "1-first").await;
    sign_in(alice, "alice").await;
    open(alice, "MessageEvents").await;
    alice.press(RUN).await;
    alice.until("the subscription to begin", &format!("{STRIP}.startsWith('Listening')")).await;
    sign_in(bob, "bob").await;
    open(bob, "SendMessage").await;
    // The page does not show when the server has begun to listen: Bob says it again until Alice hears it.
    for _ in 0..4 {
        bob.press(RUN).await;
        bob.until("the answer", SEEN).await;
        if alice.comes_true(SEEN, Duration::from_secs(2)).await {
            break;
        }
    }
    alice.until("the message", SEEN).await;
    alice.until("a count of events", &format!("/^[1-9][0-9]* event/.test({STRIP})")).await;
    picture(alice, "2-heard").await;
    picture(bob, "3-said").await;
}

/// For who wants to look: POLYPHONY_TEST_PICTURES names a folder.
async fn picture(browser: &Browser, name: &str) {
    if let Some(folder) = variable("POLYPHONY_TEST_PICTURES") {
        browser.picture(&Path::new(&folder).join(format!("{name}.png"))).await;
    }
}

once! {
    async fn two_browsers_exchange_a_message(world) {
        let server = world.instance(|config| config.app.demo_data = true).await;
        let (alice, bob) = tokio::join!(Browser::open("alice", &server.url), Browser::open("bob", &server.url));
        let (Some(alice), Some(bob)) = (alice, bob) else { return skip("Chromium") };
        talk(&alice, &bob).await;
        for browser in [alice, bob] {
            let complaints = browser.complaints();
            assert!(complaints.is_empty(), "{complaints:#?}");
        }
    }
}
