//! Filters of an embedding program.

use super::{
    Answer, BodySink, Direction, FilterContext, Outcome, Question, Reply, Request, Response,
    Settings,
};
use std::any::Any;
use std::rc::Rc;

/// Makes filters; registered by name in [`Extensions`](super::Extensions). It is shared by all
/// threads of the gateway, and by all gateways that were given it.
pub trait FilterFactory: Send + Sync + 'static {
    /// Judges settings when a configuration is checked, on a thread that may block. Everything that
    /// can be wrong with them belongs here, so that [`FilterFactory::build`] finds nothing more: a
    /// configuration that is refused here changes nothing.
    ///
    /// # Errors
    /// What is wrong, in words; it is told at the key path of the settings.
    fn check(&self, settings: &Settings) -> Result<(), String> {
        let _ = settings; // Without a check of its own, all is right.
        Ok(())
    }

    /// Makes the filter of one worker: once for each place of the configuration that names it, on
    /// the worker's own thread, which must not block. It is called again when the settings change,
    /// with the former filter in [`BuildContext::previous`].
    ///
    /// # Errors
    /// Why there is no filter, in words. Requests of its routes are answered with 500
    /// (`filter_failed`) until a later attempt, at most one a second, succeeds; the gateway's
    /// diagnostics tell it.
    fn build(&self, context: &BuildContext<'_>) -> Result<Rc<dyn Filter>, String>;
}

/// What a filter is made from.
pub struct BuildContext<'a> {
    pub(crate) name: &'a str,
    pub(crate) settings: &'a Settings,
    pub(crate) worker: usize,
    pub(crate) workers_count: usize,
    pub(crate) previous: Option<Rc<dyn Filter>>,
}

impl BuildContext<'_> {
    /// The filter's name in logs and metrics: `custom.NAME` of one that routes share,
    /// `custom@ROUTE` of a route's own.
    pub fn name(&self) -> &str {
        self.name
    }

    /// What the configuration says to it.
    pub fn settings(&self) -> &Settings {
        self.settings
    }

    /// The worker's number, from 0.
    pub fn worker(&self) -> usize {
        self.worker
    }

    /// How many workers there are: what is counted for all of them is to be shared out by this.
    pub fn workers_count(&self) -> usize {
        self.workers_count
    }

    /// The filter that stood under the same name on this worker before its settings changed. It
    /// still serves the exchanges that began with it.
    pub fn previous(&self) -> Option<Rc<dyn Filter>> {
        self.previous.clone()
    }

    /// [`BuildContext::previous`], where it is of this type.
    pub fn previous_as<T: Filter>(&self) -> Option<Rc<T>> {
        let previous: Rc<dyn Any> = self.previous()?;
        previous.downcast().ok()
    }
}

/// A filter of one worker. It is called on that worker's thread alone, which serves every client of
/// the worker: a call must not block, and what is slow is asked for ([`Flow::Ask`]). A panic ends
/// the gateway, in order and with an error.
pub trait Filter: Any {
    /// Which calls beyond [`Filter::on_request`] it wants; asked once, when the filter was made.
    fn needs(&self) -> Needs {
        Needs::default()
    }

    /// A request has come this far in its route's filters.
    fn on_request(&self, request: &mut Request<'_>, context: &mut FilterContext<'_>) -> Flow {
        let _ = (request, context); // A filter may want the answers alone.
        Flow::Continue
    }

    /// What it asked for is there, or failed. At most 32 questions are asked for one request.
    fn on_answer(
        &self,
        answer: Answer,
        request: &mut Request<'_>,
        context: &mut FilterContext<'_>,
    ) -> Flow {
        let _ = (answer, request, context); // Nothing was asked.
        Flow::Continue
    }

    /// The head of the answer is about to be sent: an upstream's, a file's, or one of the gateway's
    /// own. Filters see it in the reverse of the order in which they let the request pass; those
    /// behind the one that answered or refused it do not. With [`Flow::Respond`] another answer is
    /// sent in its place; the filters before this one still see that. Nothing can be asked any
    /// more: [`Flow::Ask`] counts as a failure of the filter. [`Needs::response`] asks for this
    /// call.
    fn on_response(&self, response: &mut Response<'_>, context: &mut FilterContext<'_>) -> Flow {
        let _ = (response, context); // Only those that want answers look at them.
        Flow::Continue
    }

    /// A piece of a body, in its order; what the other side reads is what is given to `sink`. `end`
    /// says that no more comes; then the piece may be empty. [`Needs::request_body`] and
    /// [`Needs::response_body`] ask for this call.
    fn on_body(
        &self,
        direction: Direction,
        chunk: &[u8],
        end: bool,
        sink: &mut BodySink<'_>,
        context: &mut FilterContext<'_>,
    ) {
        let _ = (direction, end, context); // Only those that change bodies look at them.
        sink.pass(chunk);
    }

    /// The exchange is over, however it ended; called for every filter that saw its request.
    /// [`Needs::end`] asks for this call. An exchange that a stop of the gateway cuts off has none.
    fn on_end(&self, outcome: &Outcome<'_>, context: &mut FilterContext<'_>) {
        let _ = (outcome, context); // Only those that keep account look at it.
    }
}

/// What a filter wants to be called for, beyond the request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Needs {
    /// [`Filter::on_response`].
    pub response: bool,
    /// [`Filter::on_end`].
    pub end: bool,
    /// [`Filter::on_body`] for the request's body.
    pub request_body: BodyNeed,
    /// [`Filter::on_body`] for the answer's body.
    pub response_body: BodyNeed,
}

/// How much of a body a filter wants to see at a time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum BodyNeed {
    /// None of it.
    #[default]
    Nothing,
    /// Pieces, as they come.
    Pieces,
    /// All of it at once, of at most so many bytes. A request with a longer body is refused (413),
    /// an answer with a longer one replaced (502).
    Whole(usize),
}

/// What a filter wants to become of an exchange.
#[derive(Debug)]
pub enum Flow {
    /// It goes on.
    Continue,
    /// It is answered with this.
    Respond(Reply),
    /// Something slow has to be done first; [`Filter::on_answer`] goes on. The client waits, and
    /// the worker serves others meanwhile.
    Ask(Question),
}
