//! Proofs by mailed links.

use chrono::{DateTime, Utc};
use entity::{
    ids::{UserId, VerificationRequestId},
    user,
    verification_request::{self, Column, Kind},
};
use sea_orm::{
    ActiveModelTrait,
    ActiveValue::Set,
    ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, Select,
    sea_query::{Expr, Query},
};

use crate::{
    base::{error::Result, text::fold},
    platform::Tx,
};

/// A new pending proof; an earlier one of the same kind for the same address is withdrawn, so that only the newest link works.
pub async fn insert_verification(
    tx: &Tx,
    user: UserId,
    kind: Kind,
    email: &str,
    token_hash: String,
    expires_at: DateTime<Utc>,
) -> Result<VerificationRequestId> {
    let earlier = verification_request::Entity::delete_many().filter(Column::Kind.eq(kind));
    let earlier = earlier.filter(Column::UserId.eq(user)).filter(Column::Email.eq(email));
    earlier.filter(Column::CompletedAt.is_null()).exec(tx).await?;
    let row = verification_request::ActiveModel {
        id: Set(tx.new_id()),
        user_id: Set(user),
        kind: Set(kind),
        email: Set(email.to_owned()),
        token_hash: Set(token_hash),
        expires_at: Set(expires_at),
        completed_at: Set(None),
        created_at: Set(tx.now()),
    };
    Ok(row.insert(tx).await?.id)
}

/// Withdraws every link that waits for an account.
pub async fn withdraw_all(tx: &Tx, account: UserId) -> Result<()> {
    let query = verification_request::Entity::delete_many().filter(Column::UserId.eq(account));
    query.filter(Column::CompletedAt.is_null()).exec(tx).await?;
    Ok(())
}

/// Withdraws the links that would move an account to an address other than `wished`.
pub async fn withdraw_moves(tx: &Tx, account: &user::Model, wished: &str) -> Result<()> {
    let kept = [account.email.as_deref(), Some(wished)];
    verification_request::Entity::delete_many()
        .filter(Column::UserId.eq(account.id))
        .filter(Column::Kind.eq(Kind::Email))
        .filter(Column::CompletedAt.is_null())
        .filter(Column::Email.is_not_in(kept.into_iter().flatten()))
        .exec(tx)
        .await?;
    Ok(())
}

fn pending(now: DateTime<Utc>) -> Select<verification_request::Entity> {
    let query = verification_request::Entity::find().filter(Column::CompletedAt.is_null());
    query.filter(Column::ExpiresAt.gt(now))
}

/// A pending proof by its token.
pub async fn pending_by_token(
    db: &impl ConnectionTrait,
    kind: Kind,
    token_hash: &str,
    now: DateTime<Utc>,
) -> Result<Option<verification_request::Model>> {
    Ok(pending(now).filter(Column::TokenHash.eq(token_hash)).filter(Column::Kind.eq(kind)).one(db).await?)
}

/// A pending proof by id, for the job that mails it.
pub async fn pending_by_id(
    db: &impl ConnectionTrait,
    id: VerificationRequestId,
    now: DateTime<Utc>,
) -> Result<Option<verification_request::Model>> {
    Ok(pending(now).filter(Column::Id.eq(id)).one(db).await?)
}

/// Whether a link was asked for that would prove this address.
pub async fn waits_for_proof(tx: &Tx, user: UserId, email: &str) -> Result<bool> {
    let query = pending(tx.now()).filter(Column::UserId.eq(user)).filter(Column::Kind.eq(Kind::Email));
    Ok(query.filter(Column::Email.eq(email)).one(tx).await?.is_some())
}

/// The same proof again, locked; its account is locked already.
pub async fn lock_pending(tx: &Tx, proof: &verification_request::Model) -> Result<Option<verification_request::Model>> {
    let query = pending(tx.now()).filter(Column::Id.eq(proof.id));
    // A later mail may have come meanwhile, with a token of its own.
    tx.also_lock(query.filter(Column::TokenHash.eq(&proof.token_hash))).await
}

/// The address an account will move to once it is proved.
pub async fn pending_email(
    db: &impl ConnectionTrait,
    account: &user::Model,
    now: DateTime<Utc>,
) -> Result<Option<String>> {
    let query = pending(now).filter(Column::UserId.eq(account.id)).filter(Column::Kind.eq(Kind::Email));
    let newest_first = query.order_by_desc(Column::Id).all(db).await?;
    let moves = |row: &verification_request::Model| Some(fold(&row.email)) != account.email_key;
    Ok(newest_first.into_iter().find(moves).map(|row| row.email))
}

/// Keeps the digest of a token that is about to be mailed. False when the proof is no longer wanted.
pub async fn put_token(tx: &Tx, id: VerificationRequestId, token_hash: String) -> Result<bool> {
    let kept = verification_request::Entity::update_many()
        .col_expr(Column::TokenHash, Expr::value(token_hash))
        .filter(Column::Id.eq(id))
        .filter(Column::CompletedAt.is_null())
        .exec(tx)
        .await?;
    Ok(kept.rows_affected == 1)
}

/// A proof was given: its token works no more.
pub async fn complete_verification(tx: &Tx, id: VerificationRequestId) -> Result<()> {
    verification_request::Entity::update_many()
        .col_expr(Column::CompletedAt, Expr::value(tx.now()))
        .filter(Column::Id.eq(id))
        .exec(tx)
        .await?;
    Ok(())
}

/// Clears away expired and completed proofs, at most `limit`; gives how many.
pub async fn purge_verifications(tx: &Tx, limit: u64) -> Result<u64> {
    let gone = Query::select()
        .column(Column::Id)
        .from(verification_request::Entity)
        .and_where(Column::ExpiresAt.lt(tx.now()))
        .limit(limit)
        .take();
    let query = verification_request::Entity::delete_many().filter(Column::Id.in_subquery(gone));
    Ok(query.exec(tx).await?.rows_affected)
}
