//! Files: read where they are shared, written where they are received. Decides nothing: the session does.
