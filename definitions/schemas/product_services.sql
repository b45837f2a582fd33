-- Lists that an organisation keeps by hand in `product_services.yaml`, `- {product: …, service: …}` a line.

-- one row per product and service of the pager that belongs to it
CREATE TABLE ProductServices (
    -- the product, as the postmortems name it
    product TEXT NOT NULL,
    -- the service, by its name or its id
    service TEXT NOT NULL,
    PRIMARY KEY (product, service)
);
