//! What a person does in a browser: opens an address, decides on a consent page. Redirects are looked at, not followed.

use super::Stack;

/// What a page answered.
pub(crate) struct Shown {
    /// The status.
    pub(crate) status: u16,
    /// The page.
    pub(crate) text: String,
}

impl Stack {
    /// Opens `url`.
    pub(crate) fn browse(&self, url: &str) -> Shown {
        self.wait(async {
            let answer = self.http.get(url).send().await.unwrap();
            Shown { status: answer.status().as_u16(), text: answer.text().await.unwrap() }
        })
    }

    /// Posts the decision on the consent page at `url`; where the browser is sent on to.
    pub(crate) fn decide(&self, url: &str, decision: &str) -> String {
        let (page, query) = url.split_once('?').unwrap();
        let browser = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        let form = format!("{query}&decision={decision}");
        let post = browser.post(page).header("content-type", "application/x-www-form-urlencoded").body(form);
        let answer = self.wait(post.send()).unwrap();
        answer.headers()["location"].to_str().unwrap().to_owned()
    }
}
