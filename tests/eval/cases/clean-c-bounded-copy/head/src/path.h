#ifndef PATH_H
#define PATH_H

char *path_join(const char *folder, const char *name);
const char *path_base(const char *path);

#endif
