//! The vendors side by side: what each is asked in the same way, whoever it is.

use crate::answer::Answer;
use crate::call::Call;
use crate::context::Context;
use crate::limits::Budget;
use crate::{Tokens, Vendor, datadog, github, pagerduty, sentry};

/// The answer to a request that was let in.
pub(crate) fn answer<'a>(context: &Context<'a>, call: &Call) -> Answer<'a> {
    match call.vendor {
        Vendor::PagerDuty => pagerduty::answer(context, call),
        Vendor::Sentry => sentry::answer(context, call),
        Vendor::GitHub => github::answer(context, call),
        Vendor::DataDog => datadog::answer(context, call),
    }
}

/// Whether the request has the right token.
pub(crate) fn is_authorised(tokens: &Tokens, call: &Call) -> bool {
    match call.vendor {
        Vendor::PagerDuty => pagerduty::is_authorised(tokens, call),
        Vendor::Sentry => sentry::is_authorised(tokens, call),
        Vendor::GitHub => github::is_authorised(tokens, call),
        Vendor::DataDog => datadog::is_authorised(tokens, call),
    }
}

/// The answer to a request without the right token.
pub(crate) fn refusal(call: &Call) -> Answer<'static> {
    match call.vendor {
        // Bad keys are "not allowed" there, in its OpenAPI document: no 401 is in it.
        Vendor::DataDog => error(call.vendor, 403, None),
        other => error(other, 401, None),
    }
}

/// An error as the vendor words it; `message` instead of its usual words.
pub(crate) fn error(vendor: Vendor, status: u16, message: Option<&str>) -> Answer<'static> {
    // Gateways stand in front of every vendor, and do not know its format.
    if let 502..=504 = status
        && message.is_none()
    {
        return Answer::gateway(status);
    }
    match vendor {
        Vendor::PagerDuty => pagerduty::error(status, message),
        Vendor::Sentry => sentry::error(status, message),
        Vendor::GitHub => github::error(status, message),
        Vendor::DataDog => datadog::error(status, message),
    }
}

/// The answer to one request too many, without the headers that state the budget.
pub(crate) fn too_many(vendor: Vendor, budget: &Budget) -> Answer<'static> {
    match vendor {
        Vendor::Sentry => sentry::too_many(budget),
        Vendor::GitHub => github::too_many(),
        other => error(other, 429, None),
    }
}

/// Adds the headers that state the budget.
pub(crate) fn tell_budget(vendor: Vendor, answer: &mut Answer<'_>, budget: &Budget) {
    answer.headers.extend(match vendor {
        Vendor::PagerDuty => pagerduty::budget(budget),
        Vendor::Sentry => sentry::budget(budget),
        Vendor::GitHub => github::budget(budget),
        Vendor::DataDog => datadog::budget(budget),
    });
}

/// What has a budget of its own where every endpoint has: the last part of the path that is no id.
pub(crate) fn endpoint(call: &Call) -> String {
    let last = call.segments().into_iter().rev().find(|part| {
        part.chars().any(|c| c.is_ascii_alphabetic()) && !part.chars().any(|c| c.is_ascii_digit())
    });
    last.map_or_else(String::new, |part| part.into_owned())
}
