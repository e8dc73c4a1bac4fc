//! The suite that every backend must pass.
//!
//! [`CASES`] is the list; [`storage_conformance!`](crate::storage_conformance) makes a named test of each. The cases
//! use the tables of [`tables::SCHEMA`] alone, and fresh random tenants, so that no record of anybody is touched.

mod aggregates;
mod changes;
mod deletes;
mod life;
mod pages;
mod queries;
mod support;
mod values;

use std::{fmt, sync::Arc};

use futures::future::BoxFuture;

use super::{Capabilities, Storage, tables};
use crate::error::Error;

/// What a case needs of a backend beyond rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Need {
    /// [`Capabilities::atomic_commit`].
    AtomicCommit,
    /// [`Capabilities::delete_where`].
    DeleteWhere,
}

impl Need {
    /// The capability's name.
    pub const fn name(self) -> &'static str {
        match self {
            Need::AtomicCommit => "atomic_commit",
            Need::DeleteWhere => "delete_where",
        }
    }

    /// Whether the backend has it.
    pub const fn met(self, capabilities: &Capabilities) -> bool {
        match self {
            Need::AtomicCommit => capabilities.atomic_commit,
            Need::DeleteWhere => capabilities.delete_where,
        }
    }
}

/// What a backend did other than it should, in words.
#[derive(Clone, PartialEq, Eq)]
pub struct Failure(pub String);

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Failure {}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self(format!("answered {error}"))
    }
}

/// How a case ends.
pub type Verdict = Result<(), Failure>;

/// One promise, and how it is put to the proof.
#[derive(Clone, Copy)]
pub struct Case {
    /// The promise, as the name of a test.
    pub name: &'static str,
    /// A backend without these is not asked.
    pub needs: &'static [Need],
    /// Puts a storage that is migrated to the proof. It may close it.
    pub run: fn(Arc<dyn Storage>) -> BoxFuture<'static, Verdict>,
}

impl fmt::Debug for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

/// Whether a case was put to the proof.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The backend keeps the promise.
    Kept,
    /// The backend does not make the promise: it lacks this.
    Unmet(Need),
}

impl Case {
    /// The case of that name.
    pub fn named(name: &str) -> Option<&'static Case> {
        CASES.iter().find(|case| case.name == name)
    }

    /// Migrates the storage and puts it to the proof.
    pub async fn check(&self, storage: Arc<dyn Storage>) -> Result<Outcome, Failure> {
        let capabilities = storage.capabilities();
        if let Some(unmet) = self.needs.iter().find(|need| !need.met(&capabilities)) {
            return Ok(Outcome::Unmet(*unmet));
        }
        storage.migrate(&tables::SCHEMA).await?;
        (self.run)(storage).await?;
        Ok(Outcome::Kept)
    }
}

/// What an opener may answer.
pub trait Opened {
    /// It as any storage.
    fn into_storage(self) -> Arc<dyn Storage>;
}

impl Opened for Arc<dyn Storage> {
    fn into_storage(self) -> Arc<dyn Storage> {
        self
    }
}

impl<S: Storage> Opened for S {
    fn into_storage(self) -> Arc<dyn Storage> {
        Arc::new(self)
    }
}

/// The body of the tests that [`storage_conformance!`](crate::storage_conformance) makes.
///
/// # Panics
/// If the backend does not keep the promise.
#[doc(hidden)]
#[cfg(not(target_family = "wasm"))]
pub fn prove<O: Opened, F: Future<Output = O>>(name: &str, open: impl FnOnce() -> F) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime.expect("a runtime for the test").block_on(async {
        let case = Case::named(name).expect("the macro and CASES are made from one list");
        let storage = open().await.into_storage();
        let backend = storage.capabilities().name;
        match case.check(storage).await {
            Ok(Outcome::Kept) => {}
            Ok(Outcome::Unmet(need)) => println!("{name}: not asked, {backend} lacks {}", need.name()),
            Err(failure) => panic!("{backend}: {failure}"),
        }
    });
}

/// Makes a test of each case of [`conformance::CASES`](crate::storage::conformance::CASES), in a module
/// `storage_conformance`, or of the name given.
///
/// The opener is an `async fn` that answers a [`Storage`](crate::storage::Storage) or an `Arc` of one. Its records may
/// be shared by all tests, the handle may not: cases close it.
///
/// ```
/// # use sis_integrations::storage::MemoryStorage;
/// async fn open() -> MemoryStorage {
///     MemoryStorage::new()
/// }
///
/// sis_integrations::storage_conformance!(open);
/// # fn main() {}
/// ```
#[macro_export]
macro_rules! storage_conformance {
    ($open:path) => {
        $crate::storage_conformance!(storage_conformance, $open);
    };
    ($module:ident, $open:path) => {
        $crate::__storage_conformance_cases! { __storage_conformance_tests [$module, $open] }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __storage_conformance_tests {
    ([$module:ident, $open:path] $($group:ident::$name:ident [$($need:ident),*])*) => {
        mod $module {
            #[allow(unused_imports)]
            use super::*;

            $(
                #[test]
                fn $name() {
                    $crate::storage::conformance::prove(stringify!($name), $open);
                }
            )*
        }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __storage_conformance_list {
    ([] $($group:ident::$name:ident [$($need:ident),*])*) => {
        &[$(Case {
            name: stringify!($name),
            needs: &[$(Need::$need),*],
            run: |storage| Box::pin($group::$name(storage)),
        },)*]
    };
}

/// Calls another macro with every case there is.
#[doc(hidden)]
#[macro_export]
macro_rules! __storage_conformance_cases {
    ($macro:ident [$($arguments:tt)*]) => {
        $crate::$macro! {
            [$($arguments)*]
            changes::an_inserted_row_is_there []
            changes::insert_of_a_row_that_is_there_conflicts []
            changes::an_inserted_row_has_version_one []
            changes::put_makes_a_row []
            changes::put_overwrites_and_counts_up []
            changes::put_at_the_expected_version []
            changes::put_at_another_version_conflicts []
            changes::put_expecting_a_row_that_is_not_there_conflicts []
            changes::delete_removes []
            changes::delete_of_nothing_is_no_error []
            changes::delete_at_the_expected_version []
            changes::delete_at_another_version_conflicts []
            changes::a_conflict_names_its_change []
            changes::a_conflict_undoes_everything [AtomicCommit]
            changes::changes_are_applied_in_order []
            changes::an_empty_commit_is_no_error []
            changes::a_unique_index_conflicts []
            changes::a_unique_index_lets_go_of_what_was_deleted []
            changes::a_unique_index_is_each_tenants_own []
            changes::a_full_batch_is_taken []
            changes::a_value_of_another_type_is_refused []
            changes::an_empty_column_that_must_not_be_is_refused []
            changes::of_many_inserts_at_once_one_wins []
            changes::a_counter_of_many_writers_loses_nothing []
            deletes::delete_where_takes_what_matches [DeleteWhere]
            deletes::delete_where_stops_at_its_limit [DeleteWhere]
            deletes::delete_where_passes_over_limit_and_cursor_of_its_query [DeleteWhere]
            deletes::delete_where_is_fenced [DeleteWhere]
            deletes::delete_where_across_tenants [DeleteWhere]
            deletes::delete_where_is_undone_with_the_rest [DeleteWhere, AtomicCommit]
            deletes::delete_where_sees_the_changes_before_it [DeleteWhere]
            queries::get_is_fenced []
            queries::query_is_fenced []
            queries::one_id_may_be_of_many_tenants []
            queries::across_tenants_sees_everybody []
            queries::filters_on_text []
            queries::filters_on_integers []
            queries::filters_on_truths []
            queries::filters_on_bytes []
            queries::filters_on_json []
            queries::filters_on_moments []
            queries::filters_on_moments_out_of_range []
            queries::filters_on_text_that_may_be_empty []
            queries::filters_on_bytes_that_may_be_empty []
            queries::filters_on_moments_that_may_be_empty []
            queries::filters_on_the_id []
            queries::all_filters_hold []
            queries::a_filter_on_an_unknown_column_is_refused []
            queries::a_filter_with_a_value_of_another_type_is_refused []
            pages::without_an_order_rows_come_by_id []
            pages::oldest_first []
            pages::newest_first []
            pages::equals_come_by_id []
            pages::what_is_empty_comes_before_everything []
            pages::pages_lose_nothing []
            pages::pages_across_tenants_lose_nothing []
            pages::the_last_page_has_no_cursor []
            pages::a_cursor_is_stable_while_rows_come_and_go []
            pages::a_page_holds_no_more_than_its_limit []
            pages::a_wrong_cursor_is_an_invalid_argument []
            pages::an_order_by_an_unknown_column_is_refused []
            aggregates::no_rows_without_groups_is_one_row []
            aggregates::no_rows_with_groups_is_no_row []
            aggregates::measures_of_groups []
            aggregates::smallest_and_largest_keep_their_type []
            aggregates::nothing_is_a_group_and_no_measure []
            aggregates::groups_by_two_columns []
            aggregates::order_limit_and_cursor_do_not_count []
            aggregates::an_aggregate_is_fenced []
            aggregates::an_aggregate_across_tenants []
            aggregates::a_measure_of_an_unknown_column_is_refused []
            aggregates::a_sum_of_what_is_no_integer_is_refused []
            values::every_type_comes_back []
            values::integers_from_end_to_end []
            values::moments_before_1970_and_far_ahead []
            values::a_moment_out_of_range_is_refused []
            values::text_of_every_script []
            values::large_text_and_bytes []
            values::every_byte []
            values::empty_is_not_nothing []
            values::ids_of_every_script []
            life::capabilities_make_sense []
            life::migrating_again_is_no_error []
            life::migrating_at_once_is_no_error []
            life::a_later_database_is_refused []
            life::what_is_committed_is_seen_at_once []
            life::watching_is_no_error []
            life::closed_is_closed []
        }
    };
}

/// Every case there is.
pub const CASES: &[Case] = __storage_conformance_cases! { __storage_conformance_list [] };
