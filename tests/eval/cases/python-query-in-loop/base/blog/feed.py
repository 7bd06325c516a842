"""The newest articles as JSON for the front page."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from blog.models import Article, Author

MOST = 200


def newest(session: Session, limit: int = 20) -> list[dict[str, object]]:
    """At most `limit` articles, newest first."""
    query = (
        select(Article)
        .where(Article.published_at.is_not(None))
        .order_by(Article.published_at.desc())
        .limit(min(limit, MOST))
    )
    articles = session.scalars(query).all()
    return [
        {"title": article.title, "slug": article.slug, "at": article.published_at.isoformat()}
        for article in articles
    ]
