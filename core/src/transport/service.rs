//! The service under etcd-client: every request of the client goes through here, those of `raw()` and all streams too.
//!
//! It picks the connection (class by path, endpoint by health), adds what every request needs (the token, `hasleader`
//! on streams), sends what was never sent to the next endpoint, and tells the endpoint what it noticed.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use http::{Extensions, HeaderName, HeaderValue, Request, Response, request};
use tonic::body::Body;
use tonic::transport::{Channel, Error as TransportError};
use tower::util::BoxCloneSyncService;
use tower::{BoxError, Service, ServiceExt};

use super::attempt::{Attempt, Place};
use super::body::{GuardedBody, HeardBody, Loan, LoanedBody, left};
use super::class::{Class, wants_token};
use super::common::Common;
use super::endpoint::Endpoint;
use super::failure::{self, NeverSent};
use super::health::{Sign, Standing};
use super::line::Line;
use super::picker::{EndpointId, Picker};
use super::retry;
use super::token::TokenVersion;

/// After this long without an answer an endpoint is looked at.
pub(super) const SILENCE: Duration = Duration::from_secs(1);

/// What the service stands on.
pub(super) struct Hub {
    pub(super) picker: Picker,
    pub(super) common: Arc<Common>,
}

/// The service as etcd-client and tonic take it.
pub(super) type Channels = BoxCloneSyncService<Request<Body>, Response<Body>, BoxError>;

pub(super) fn channels(hub: Arc<Hub>) -> Channels {
    BoxCloneSyncService::new(tower::service_fn(move |request| carry(Arc::clone(&hub), request, Attempt::current())))
}

/// Carries one request: to wherever it is taken, and its answer back.
pub(super) async fn carry(
    hub: Arc<Hub>,
    request: Request<Body>,
    attempt: Option<Arc<Attempt>>,
) -> Result<Response<Body>, BoxError> {
    let (parts, body) = request.into_parts();
    Journey::new(&hub, parts, attempt).run(body).await
}

/// One request on its way from endpoint to endpoint until one takes it.
struct Journey<'a> {
    hub: &'a Hub,
    class: Class,
    parts: request::Parts,
    attempt: Option<Arc<Attempt>>,
    avoid: Vec<EndpointId>,
    /// What was wrong with the endpoints that did not take it.
    causes: Vec<(EndpointId, String)>,
    /// Idle connections may have been closed by the server; that costs an endpoint nothing, once.
    second_chance: bool,
}

impl<'a> Journey<'a> {
    fn new(hub: &'a Hub, mut parts: request::Parts, attempt: Option<Arc<Attempt>>) -> Self {
        // Only the layers above us read them; without them the parts are cheap to clone.
        parts.extensions = Extensions::new();
        let class = Class::of(parts.uri.path());
        if class.is_stream() {
            // Makes etcd end a stream whose member has lost its leader, instead of leaving it silent.
            parts.headers.insert("hasleader", HeaderValue::from_static("true"));
        }
        let avoid = attempt.as_ref().map_or_else(Vec::new, |attempt| attempt.avoid().to_vec());
        Self { hub, class, parts, attempt, avoid, causes: Vec::new(), second_chance: true }
    }

    async fn run(mut self, mut body: Body) -> Result<Response<Body>, BoxError> {
        loop {
            let endpoint = self.pick().ok_or("there is no endpoint")?;
            if self.causes.iter().any(|(id, _)| *id == endpoint.id()) {
                return Err(Box::new(NeverSent { causes: self.causes }));
            }
            let line = endpoint.line();
            let loan = Loan::new(body);
            let (request, token) = self.prepare(&loan);
            if let Some(attempt) = &self.attempt {
                attempt.put_at(Place { endpoint: Arc::clone(&endpoint), loan: Arc::clone(&loan), token });
            }
            let error = match self.visit(&endpoint, &line, request).await {
                Ok(response) => return Ok(self.deliver(response, token, &line, endpoint)),
                Err(error) => error,
            };
            let unreachable = failure::is_connect(&*error);
            endpoint.notice(if unreachable { Sign::Unreachable } else { Sign::Trouble });
            body = match loan.take_back() {
                Some(body) => body,
                None => return Err(error),
            };
            if unreachable || !std::mem::take(&mut self.second_chance) {
                self.avoid.push(endpoint.id());
                self.causes.push((endpoint.id(), endpoint.tell(&failure::root_cause(&*error))));
            }
        }
    }

    fn pick(&self) -> Option<Arc<Endpoint>> {
        let Hub { picker, .. } = self.hub;
        match &self.attempt {
            Some(attempt) if attempt.is_at_home() => picker.pick_at_home(&self.avoid),
            _ => picker.pick(self.class, &self.avoid),
        }
    }

    /// Whether we must look after the request ourselves. A call does that for its attempts; and its writes must wait
    /// for their own answer, also from an endpoint that was left.
    fn is_guarded(&self) -> bool {
        self.class.is_stream() || self.attempt.is_none()
    }

    /// The request for one visit, and which token it carries.
    fn prepare(&self, loan: &Arc<Loan>) -> (Request<Body>, TokenVersion) {
        let body = Body::new(LoanedBody::Lent(Arc::clone(loan)));
        let mut request = Request::from_parts(self.parts.clone(), body);
        let token = self.hub.common.tokens.current();
        if let Some(header) = &token.header
            && wants_token(request.uri().path())
        {
            request.headers_mut().insert(HeaderName::from_static("token"), header.clone());
        }
        (request, token.version)
    }

    async fn visit(
        &self,
        endpoint: &Endpoint,
        line: &Line,
        request: Request<Body>,
    ) -> Result<Response<Body>, BoxError> {
        let abandoned = Abandoned(Some(endpoint));
        let sent = send(line.channel(self.class), request);
        let outcome = match self.is_guarded() {
            true => guard(sent, line, endpoint).await,
            false => sent.await.map_err(BoxError::from),
        };
        abandoned.disarm();
        outcome
    }

    fn deliver(
        self,
        response: Response<Body>,
        token: TokenVersion,
        line: &Line,
        endpoint: Arc<Endpoint>,
    ) -> Response<Body> {
        if endpoint.standing() == Standing::Away {
            endpoint.notice(Sign::Answered);
        }
        // An error comes in the headers; its words need no decoding as far as they interest us.
        let message = response.headers().get("grpc-message").and_then(|words| words.to_str().ok());
        if message.is_some_and(retry::is_leader_trouble) {
            endpoint.notice(Sign::Trouble);
        }
        if self.attempt.is_none() && message.is_some_and(retry::is_stale_token) {
            self.hub.common.refused.send_replace(Some(token));
        }
        match self.attempt {
            Some(attempt) if !self.class.is_stream() => {
                attempt.hear();
                response.map(|inner| Body::new(HeardBody::new(inner, attempt)))
            }
            _ => {
                let left = line.left.clone().cancelled_owned();
                response.map(|inner| Body::new(GuardedBody::new(inner, left, endpoint)))
            }
        }
    }
}

async fn send(mut channel: Channel, request: Request<Body>) -> Result<Response<Body>, TransportError> {
    channel.ready().await?.call(request).await
}

/// Raises suspicion when nothing comes for a while, and gives up when the endpoint is left.
async fn guard(
    sent: impl Future<Output = Result<Response<Body>, TransportError>>,
    line: &Line,
    endpoint: &Endpoint,
) -> Result<Response<Body>, BoxError> {
    let mut sent = pin!(sent);
    tokio::select! {
        biased;
        outcome = &mut sent => return outcome.map_err(BoxError::from),
        () = line.left.cancelled() => return Err(Box::new(left(endpoint))),
        () = tokio::time::sleep(SILENCE) => endpoint.notice(Sign::Trouble),
    }
    tokio::select! {
        biased;
        outcome = &mut sent => outcome.map_err(BoxError::from),
        () = line.left.cancelled() => Err(Box::new(left(endpoint))),
    }
}

/// A request that is dropped before its answer came is worth a look at the endpoint: callers whose own patience is
/// shorter than ours would otherwise never find out that a member is frozen.
struct Abandoned<'a>(Option<&'a Endpoint>);

impl Abandoned<'_> {
    fn disarm(mut self) {
        self.0 = None;
    }
}

impl Drop for Abandoned<'_> {
    fn drop(&mut self) {
        if let Some(endpoint) = self.0 {
            endpoint.notice(Sign::Doubt);
        }
    }
}
