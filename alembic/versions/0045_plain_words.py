"""Texts without accents (most short answers, and all English) are no longer looked through for each letter of a table:
that was half of what their words for search cost. What the function answers stays the same, so indexes on it hold."""

from collections.abc import Sequence

from alembic import op

revision: str = "0045"
down_revision: str | None = "0044"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None

# In UTF-8 as many bytes as characters mean that no letter of the table is in it. Neither function is STRICT (what is
# NULL stays so by itself): PostgreSQL puts no strict one with a CASE in its caller's place, and calling it costs more.
FOLD = """
CREATE OR REPLACE FUNCTION pytake_fold(value text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT lower(CASE WHEN octet_length(value) = length(value) THEN value ELSE translate(
        value,
        'áàâãäåéèêëíìîïóòôõöúùûüçñýÁÀÂÃÄÅÉÈÊËÍÌÎÏÓÒÔÕÖÚÙÛÜÇÑÝ',
        'aaaaaaeeeeiiiiooooouuuucnyaaaaaaeeeeiiiiooooouuuucny'
    ) END)
$$
"""
WORDS = r"""
CREATE OR REPLACE FUNCTION pytake_words(value text) RETURNS tsvector LANGUAGE sql IMMUTABLE PARALLEL SAFE {strict}AS $$
    SELECT to_tsvector('simple', regexp_replace(pytake_fold(left(value, 20000)), '[\x01-\x2f:-@\[-`{{-\x7f]+', ' ', 'g'))
$$
"""
FOLD_BEFORE = """
CREATE OR REPLACE FUNCTION pytake_fold(value text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT AS $$
    SELECT lower(translate(
        value,
        'áàâãäåéèêëíìîïóòôõöúùûüçñýÁÀÂÃÄÅÉÈÊËÍÌÎÏÓÒÔÕÖÚÙÛÜÇÑÝ',
        'aaaaaaeeeeiiiiooooouuuucnyaaaaaaeeeeiiiiooooouuuucny'
    ))
$$
"""


def upgrade() -> None:
    """Expand."""
    op.execute(FOLD)
    op.execute(WORDS.format(strict=""))


def downgrade() -> None:
    """Back to the previous revision."""
    op.execute(WORDS.format(strict="STRICT "))
    op.execute(FOLD_BEFORE)
