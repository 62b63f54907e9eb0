"""The stages of Sightline: one package per stage, and `common` for what two stages share."""
