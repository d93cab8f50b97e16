"""The prompt decision transformer: training and lockstep inference."""
