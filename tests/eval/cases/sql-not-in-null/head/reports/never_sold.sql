-- Articles on sale that nobody has bought, the oldest first.

SELECT
    articles.id,
    articles.sku,
    articles.name,
    articles.listed_on
FROM articles
WHERE
    articles.on_sale
    AND articles.id NOT IN (SELECT items.article_id FROM items)
ORDER BY
    articles.listed_on,
    articles.id;
