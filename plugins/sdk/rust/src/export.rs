//! The macro that makes a component of a migration.

/// Exports a [`Migration`](crate::Migration) as the component that this crate is built into; once in a crate.
///
/// Natively it only checks that the type is a migration, so that the crate can be tested with plain `cargo test`.
///
/// ```compile_fail
/// struct NotOne;
/// godwit_plugin::export!(NotOne);
/// ```
#[macro_export]
macro_rules! export {
    ($migration:ty) => {
        #[cfg(target_arch = "wasm32")]
        const _: () = {
            type Exported = $crate::Component<$migration>;
    $crate::bindings::export!(Exported with_types_in $crate::bindings);
        };

        #[cfg(not(target_arch = "wasm32"))]
        const _: () = {
            const fn is_a_migration<M: $crate::Migration>() {}
            is_a_migration::<$migration>();
        };
    };
}
