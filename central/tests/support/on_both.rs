//! One fact, tried on both engines.

/// Each fact for each engine.
macro_rules! on_both {
    ($($fact:ident),* $(,)?) => {
        mod sqlite {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $fact() {
                let engine = super::support::sqlite();
                super::$fact(engine.location.clone()).await;
            })*
        }
        mod postgres {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $fact() {
                let engine = super::support::postgres().await;
                super::$fact(engine.location.clone()).await;
            })*
        }
    };
}
