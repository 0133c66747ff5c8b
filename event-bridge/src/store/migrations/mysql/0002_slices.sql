-- Totals of all routers in ten seconds each, for parts of an hour. Kept up by what stores rows.
CREATE TABLE IF NOT EXISTS slices (
    slice        BIGINT PRIMARY KEY, -- of 10 s since 1970
    samples      BIGINT NOT NULL,
    samples_up   BIGINT NOT NULL,
    loss_sum     BIGINT NOT NULL, -- 1/10 percent, over all pings
    loss_count   BIGINT NOT NULL,
    cpu_sum      BIGINT NOT NULL, -- 1/10 degree Celsius
    cpu_count    BIGINT NOT NULL,
    pppoe_events BIGINT NOT NULL, -- of the kinds pppoe_*
    wan_events   BIGINT NOT NULL  -- of the kinds wan_*
) {collation};
