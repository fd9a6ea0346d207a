//! Metrics macros that vanish without the `metrics` feature.

/// Adds one to a counter: `count!("segue_refresh_total", "cause" => "rotated")`.
macro_rules! count {
    ($name:literal $(, $label:literal => $value:expr)* $(,)?) => {{
        #[cfg(feature = "metrics")]
        ::metrics::counter!($name $(, $label => $value)*).increment(1);
        #[cfg(not(feature = "metrics"))]
        { $(let _ = &$value;)* }
    }};
}

/// Sets a gauge.
macro_rules! gauge {
    ($name:literal, $reading:expr $(, $label:literal => $value:expr)* $(,)?) => {{
        #[cfg(feature = "metrics")]
        ::metrics::gauge!($name $(, $label => $value)*).set($reading);
        #[cfg(not(feature = "metrics"))]
        { let _ = &$reading; $(let _ = &$value;)* }
    }};
}

/// Records a duration in seconds.
macro_rules! observe {
    ($name:literal, $seconds:expr $(, $label:literal => $value:expr)* $(,)?) => {{
        #[cfg(feature = "metrics")]
        ::metrics::histogram!($name $(, $label => $value)*).record($seconds);
        #[cfg(not(feature = "metrics"))]
        { let _ = &$seconds; $(let _ = &$value;)* }
    }};
}

pub(crate) use count;
pub(crate) use gauge;
pub(crate) use observe;
