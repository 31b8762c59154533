"""Load and its cost: Parley over its public REST door, beside a direct call to the same model."""
