"""EF21: error feedback on gradient estimates."""
