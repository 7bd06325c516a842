CREATE TABLE articles (
    id bigint PRIMARY KEY,
    sku text NOT NULL UNIQUE,
    name text NOT NULL,
    on_sale boolean NOT NULL DEFAULT true,
    listed_on date NOT NULL
);

CREATE TABLE items (
    id bigint PRIMARY KEY,
    order_id bigint NOT NULL,
    article_id bigint REFERENCES articles (id) ON DELETE SET NULL,
    quantity integer NOT NULL CHECK (quantity > 0)
);
