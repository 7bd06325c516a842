"""What people look at: the status page of a review and the dashboard. Server-rendered;
scripts only make them live."""
