"""Where a warning comes from: drafts of officers and alerts of others."""
