//! The macro that makes a component of a migration.

/// Exports a [`Migration`](crate::Migration) as the component that this crate is built into; once in a crate.
///
/// What else it can do is named behind `with`: `verify` where it is a [`Verify`](crate::Verify), `revert` where it is a
/// [`Revert`](crate::Revert).
///
/// Natively it only checks that the type is what is said, so that the crate can be tested with plain `cargo test`.
///
/// ```
/// # use godwit_plugin::{Context, Descriptor, Item, Migration, Outcome, Result, Verify, export};
/// struct Titles;
///
/// impl Migration for Titles {
///     // ...
/// #     fn describe() -> Descriptor { Descriptor::new("notes", "2.0.0") }
/// #     fn migrate(_: &str, _: &Item<'_>, _: &Context<'_>) -> Result { Ok(Outcome::Unchanged) }
/// }
///
/// impl Verify for Titles {
///     fn verify(_step: &str, item: &Item<'_>, _context: &Context<'_>) -> Result<()> {
///         item.json()?.get("title").ok_or("it has no title")?;
///         Ok(())
///     }
/// }
///
/// export!(Titles with verify);
/// ```
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
    ($migration:ident with $first:ident $(, $more:ident)*) => {
        $crate::export!($migration);
        $crate::export!(@$first $migration);
        $($crate::export!(@$more $migration);)*
    };
    (@verify $migration:ident) => {
        #[cfg(target_arch = "wasm32")]
        const _: () = {
            type Exported = $crate::Component<$migration>;
            $crate::verified::export!(Exported with_types_in $crate::verified);
        };

        #[cfg(not(target_arch = "wasm32"))]
        const _: () = {
            const fn verifies<M: $crate::Verify>() {}
            verifies::<$migration>();
        };
    };
    (@revert $migration:ident) => {
        #[cfg(target_arch = "wasm32")]
        const _: () = {
            type Exported = $crate::Component<$migration>;
            $crate::reversible::export!(Exported with_types_in $crate::reversible);
        };

        #[cfg(not(target_arch = "wasm32"))]
        const _: () = {
            const fn reverts<M: $crate::Revert>() {}
            reverts::<$migration>();
        };
    };
}
