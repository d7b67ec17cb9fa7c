//! What every store promises, asked of each backend, and what files promise for blobs.
#![allow(clippy::unwrap_used, missing_docs)]

mod blobs;
mod claims;
mod commits;
mod durability;
mod lists;
mod making;
mod resources;
mod sqlite;
mod turns;

/// One test for each promise, for a backend that `$open` opens anew.
macro_rules! suite {
    ($backend:ident, $open:expr; $( $module:ident :: { $( $promise:ident ),* $(,)? } )*) => {
        mod $backend {
            $( mod $module {
                $( #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $promise() {
                    let (store, _home) = $open;
                    crate::$module::$promise(&store).await;
                } )*
            } )*
        }
    };
}

/// All promises, so that a further backend is one more line.
macro_rules! every_promise {
    ($backend:ident, $open:expr) => {
        suite! { $backend, $open;
            resources::{
                a_resource_is_read_as_it_was_written,
                what_is_put_aside_stays_with_its_resource,
                an_id_is_unique_within_project_and_kind_alone,
                a_replacement_needs_the_etag_that_was_read,
                a_resource_is_deleted_with_all_that_belongs_to_it,
                deleting_takes_turns_and_journals_along,
                what_belongs_to_another_kind_stays,
                deleting_stops_at_the_border_of_the_project,
                a_missing_resource_can_not_be_changed,
                presence_can_be_required,
                a_limit_of_children_is_kept,
                bytes_of_any_kind_are_kept,
            }
            commits::{
                a_batch_is_committed_as_a_whole_or_not_at_all,
                changes_of_a_batch_see_those_before_them,
                a_conflict_takes_nothing_of_other_batches_back,
                batches_are_committed_in_the_order_in_which_they_were_handed_over,
                what_is_committed_at_once_comes_after_what_was_handed_over,
                a_conflict_takes_back_what_is_committed_at_once,
                dropping_a_commit_does_not_take_it_back,
                of_many_replacements_at_once_one_wins,
                a_conflict_says_what_was_in_the_way,
            }
            lists::{
                lists_are_in_the_order_of_creation,
                a_list_holds_one_kind_of_one_parent_in_one_project,
                a_facet_filters,
                a_facet_can_change,
                resources_are_counted_and_weighed_by_their_facets,
                pages_go_on_after_and_before_a_cursor,
                paging_through_in_either_direction_finds_everything_once,
                the_id_of_a_deleted_resource_still_works,
                a_cursor_that_never_existed_is_refused,
                a_long_list_comes_whole,
            }
            claims::{
                a_claim_has_one_holder,
                a_released_claim_can_be_had_again,
                freedom_can_be_required,
                of_many_claims_at_once_one_is_granted,
                claims_of_other_projects_are_other_claims,
            }
            turns::{
                a_turn_is_read_with_its_journal,
                a_journal_has_no_gaps_and_no_second_writer,
                nothing_follows_an_end,
                a_turn_is_opened_once,
                running_turns_are_found_and_others_are_not,
                waiting_turns_are_found_when_their_time_is_over,
                a_turn_that_does_not_exist_is_none,
                nothing_is_appended_to_a_turn_that_was_never_opened,
            }
        }
    };
}

every_promise!(sqlite_file, crate::making::sqlite());
