//! A build without the feature `authentication`: no filter asks for any of it.

use crate::bridge::question::{Answer, Forward, Password};

/// Does nothing.
#[derive(Default)]
pub struct Access;

impl Access {
    /// Nobody asks.
    pub async fn password(&self, _: Password) -> Answer {
        Answer::Failed
    }

    /// Nobody asks.
    pub async fn forward(&self, _: Forward) -> Answer {
        Answer::Failed
    }
}
