"""The engine for logs that one machine cannot read: the same kernel under Spark's mapInArrow."""
