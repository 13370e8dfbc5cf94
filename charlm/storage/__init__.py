"""What files need that is no file's own: locks, whole writes, room on the disk, and the cache's folder."""
