//! Transactions: all or nothing, one snapshot, one writer, and timers.

use std::time::Duration;

use aws_sdk_rdsdata::error::ProvideErrorMetadata;

use crate::support::{Aws, CLUSTER, SECRET, SHORT, pass};

#[tokio::test]
async fn a_commit_makes_all_of_it_visible_at_once() {
    let aws = Aws::start().await;
    let id = aws.begin().await;
    aws.add(Some(&id), "i-1").await.unwrap();
    aws.add(Some(&id), "i-2").await.unwrap();
    assert_eq!(aws.count(Some(&id)).await, 2);
    assert_eq!(aws.count(None).await, 0);
    assert_eq!(aws.commit(&id).await, Ok("Transaction Committed".into()));
    assert_eq!(aws.count(None).await, 2);
}

#[tokio::test]
async fn a_rollback_leaves_nothing() {
    let aws = Aws::start().await;
    let id = aws.begin().await;
    aws.add(Some(&id), "i-1").await.unwrap();
    assert_eq!(aws.rollback(&id).await, Ok("Rollback Complete".into()));
    assert_eq!(aws.count(None).await, 0);
    assert_eq!(
        aws.commit(&id).await,
        Err("TransactionNotFoundException".into())
    );
    assert_eq!(
        aws.rollback(&id).await,
        Err("TransactionNotFoundException".into())
    );
    let error = aws.sql_in(Some(&id), "SELECT 1", &[]).await.unwrap_err();
    assert!(error.is_transaction_not_found_exception());
    assert_eq!(
        error.message(),
        Some(format!("Transaction {id} is not found").as_str())
    );
}

#[tokio::test]
async fn an_empty_transaction_can_be_committed() {
    let aws = Aws::start().await;
    let id = aws.begin().await;
    assert!(aws.commit(&id).await.is_ok());
}

#[tokio::test]
async fn a_failed_statement_leaves_the_transaction_open_as_in_mysql() {
    let aws = Aws::start().await;
    let id = aws.begin().await;
    aws.add(Some(&id), "i-1").await.unwrap();
    assert!(
        aws.add(Some(&id), "i-1")
            .await
            .unwrap_err()
            .is_database_error_exception()
    );
    aws.add(Some(&id), "i-2").await.unwrap();
    aws.commit(&id).await.unwrap();
    assert_eq!(aws.count(None).await, 2);
}

#[tokio::test]
async fn reads_of_a_transaction_see_one_snapshot() {
    let aws = Aws::start().await;
    let id = aws.begin().await;
    assert_eq!(aws.count(Some(&id)).await, 0);
    aws.add(None, "i-1").await.unwrap();
    assert_eq!(aws.count(Some(&id)).await, 0);
    aws.commit(&id).await.unwrap();
    assert_eq!(aws.count(None).await, 1);
}

#[tokio::test]
async fn a_write_after_a_stale_read_is_told_of_a_deadlock_and_ends_the_transaction() {
    let aws = Aws::start().await;
    let id = aws.begin().await;
    aws.count(Some(&id)).await;
    aws.add(None, "i-1").await.unwrap();
    let error = aws.add(Some(&id), "i-2").await.unwrap_err();
    assert!(error.is_database_error_exception());
    let expected = "Deadlock found when trying to get lock; try restarting transaction; Error code: 1213; SQLState: 40001";
    assert_eq!(error.message(), Some(expected));
    assert_eq!(
        aws.commit(&id).await,
        Err("TransactionNotFoundException".into())
    );
    aws.add(None, "i-3").await.unwrap();
}

#[tokio::test]
async fn a_second_writer_waits_for_the_first_and_readers_do_not() {
    let aws = Aws::start().await;
    let first = aws.begin().await;
    aws.add(Some(&first), "i-1").await.unwrap();
    let second = aws.begin().await;
    let add = aws.add(Some(&second), "i-2");
    let meanwhile = async {
        assert_eq!(aws.count(None).await, 0);
        aws.commit(&first).await.unwrap();
    };
    let (added, ()) = tokio::join!(add, meanwhile);
    added.unwrap();
    aws.commit(&second).await.unwrap();
    assert_eq!(aws.count(None).await, 2);
}

#[tokio::test]
async fn many_writers_at_once_all_succeed() {
    let aws = std::sync::Arc::new(Aws::start().await);
    let mut tasks = tokio::task::JoinSet::new();
    for n in 0..20 {
        let aws = std::sync::Arc::clone(&aws);
        tasks.spawn(async move {
            let id = aws.begin().await;
            aws.add(Some(&id), &format!("i-{n}")).await.unwrap();
            aws.commit(&id).await.unwrap();
        });
    }
    while let Some(done) = tasks.join_next().await {
        done.unwrap();
    }
    assert_eq!(aws.count(None).await, 20);
}

#[tokio::test]
async fn a_writer_that_waits_too_long_times_out() {
    let aws = Aws::with_timeouts(|timeouts| timeouts.statement = SHORT).await;
    let first = aws.begin().await;
    aws.add(Some(&first), "i-1").await.unwrap();
    assert!(
        aws.add(None, "i-2")
            .await
            .unwrap_err()
            .is_statement_timeout_exception()
    );
    aws.commit(&first).await.unwrap();
    aws.add(None, "i-2").await.unwrap();
}

#[tokio::test]
async fn an_idle_transaction_is_rolled_back() {
    let aws = Aws::with_timeouts(|timeouts| timeouts.transaction_idle = SHORT).await;
    let id = aws.begin().await;
    aws.add(Some(&id), "i-1").await.unwrap();
    // This writer gets its slot only when the idle transaction has lost it.
    aws.add(None, "i-2").await.unwrap();
    assert_eq!(
        aws.commit(&id).await,
        Err("TransactionNotFoundException".into())
    );
    assert_eq!(aws.count(None).await, 1);
}

#[tokio::test]
async fn a_transaction_ends_after_its_whole_time_however_busy() {
    let aws = Aws::with_timeouts(|timeouts| timeouts.transaction_whole = 2 * SHORT).await;
    let id = aws.begin().await;
    while let Ok(output) = aws.sql_in(Some(&id), "SELECT 1", &[]).await {
        assert_eq!(output.records().len(), 1);
    }
    assert_eq!(
        aws.commit(&id).await,
        Err("TransactionNotFoundException".into())
    );
}

#[tokio::test]
async fn use_keeps_a_transaction_alive() {
    let idle = Duration::from_secs(60);
    let aws = Aws::with_timeouts(|timeouts| timeouts.transaction_idle = idle).await;
    let id = aws.begin().await;
    for _ in 0..3 {
        pass(idle / 2).await;
        aws.sql_in(Some(&id), "SELECT 1", &[]).await.unwrap();
    }
    aws.commit(&id).await.unwrap();
}

#[tokio::test]
async fn a_definition_commits_what_is_open() {
    let aws = Aws::start().await;
    let id = aws.begin().await;
    aws.add(Some(&id), "i-1").await.unwrap();
    aws.sql_in(Some(&id), "CREATE TABLE extra (a INT)", &[])
        .await
        .unwrap();
    assert_eq!(aws.count(None).await, 1);
    aws.add(Some(&id), "i-2").await.unwrap();
    aws.rollback(&id).await.unwrap();
    assert_eq!(aws.count(None).await, 1);
}

#[tokio::test]
async fn a_lock_on_rows_takes_the_writers_place() {
    let aws = Aws::with_timeouts(|timeouts| timeouts.statement = SHORT).await;
    let id = aws.begin().await;
    aws.sql_in(Some(&id), "SELECT * FROM ec2 FOR UPDATE", &[])
        .await
        .unwrap();
    assert!(
        aws.add(None, "i-1")
            .await
            .unwrap_err()
            .is_statement_timeout_exception()
    );
    aws.add(Some(&id), "i-1").await.unwrap();
    aws.commit(&id).await.unwrap();
}

#[tokio::test]
async fn another_database_than_the_transactions_is_refused() {
    let aws = Aws::start().await;
    let call = aws
        .data
        .begin_transaction()
        .resource_arn(CLUSTER)
        .secret_arn(SECRET)
        .database("other");
    let error = call.send().await.unwrap_err().into_service_error();
    assert!(error.is_database_error_exception(), "{error:?}");
}

#[tokio::test]
async fn a_second_call_is_refused_while_a_statement_of_the_transaction_runs() {
    let aws = Aws::start().await;
    let (first, second) = (aws.begin().await, aws.begin().await);
    aws.add(Some(&first), "i-1").await.unwrap();
    // It waits for the first transaction to end, and so runs for as long as the test needs.
    let waiting = aws.add(Some(&second), "i-2");
    let others = async {
        let refused = loop {
            match aws.sql_in(Some(&second), "SELECT 1", &[]).await {
                Ok(_) => tokio::task::yield_now().await,
                Err(error) => break error,
            }
        };
        assert!(refused.is_database_error_exception(), "{refused:?}");
        assert_eq!(
            refused.message(),
            Some("Transaction is still running a query")
        );
        assert_eq!(
            aws.commit(&second).await,
            Err("DatabaseErrorException".into())
        );
        aws.commit(&first).await.unwrap();
    };
    let (added, ()) = tokio::join!(waiting, others);
    added.unwrap();
    aws.commit(&second).await.unwrap();
    assert_eq!(aws.count(None).await, 2);
}
