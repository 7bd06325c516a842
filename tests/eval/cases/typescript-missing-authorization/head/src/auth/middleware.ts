import type { NextFunction, Request, Response } from "express";

import { users } from "../store/users";

/** 401 unless somebody is signed in. */
export function requireLogin(req: Request, res: Response, next: NextFunction): void {
  if (!req.session?.userId) {
    res.status(401).json({ error: "Sign in first." });
    return;
  }
  next();
}

/** 403 unless the signed-in user is an admin. */
export async function requireAdmin(req: Request, res: Response, next: NextFunction) {
  const user = await users.get(req.session.userId);
  if (user?.role !== "admin") {
    res.status(403).json({ error: "Only for admins." });
    return;
  }
  next();
}
