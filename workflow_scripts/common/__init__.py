"""What two stages share: records, frames, storage, seeds. Imports no stage."""
