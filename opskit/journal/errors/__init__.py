"""`opskit journal errors`: entries in groups, and what is behind them."""
