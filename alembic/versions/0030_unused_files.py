"""Files taken out of the media library are looked for; the flows of an organization by their sessions without a scan."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0030"
down_revision: str | None = "0029"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None


def upgrade() -> None:
    """Expand. What was taken out before is looked at at once."""
    op.add_column("media_assets", sa.Column("look_at", sa.DateTime(timezone=True), nullable=True))
    op.execute("UPDATE media_assets SET look_at = now() WHERE uploaded_by IS NOT NULL AND uploaded_at IS NULL")
    op.create_index(
        "media_assets_taken_out", "media_assets", ["look_at"], postgresql_where=sa.text("look_at IS NOT NULL")
    )
    op.create_index(
        "flow_figures_sessions",
        "flow_figures",
        ["organization_id", "hour"],
        postgresql_where=sa.text("measure = 'session'"),
    )


def downgrade() -> None:
    """Back to the previous revision."""
    op.drop_index("flow_figures_sessions", table_name="flow_figures")
    op.drop_index("media_assets_taken_out", table_name="media_assets")
    op.drop_column("media_assets", "look_at")
