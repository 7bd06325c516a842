import { Router } from "express";

import { requireAdmin, requireLogin } from "../auth/middleware";
import { users } from "../store/users";

export const router = Router();

router.get("/users/me", requireLogin, async (req, res) => {
  res.json(await users.get(req.session.userId));
});

router.get("/users", requireLogin, requireAdmin, async (_req, res) => {
  res.json(await users.list());
});

router.post("/users/:id/role", requireLogin, requireAdmin, async (req, res) => {
  await users.setRole(req.params.id, req.body.role);
  res.status(204).end();
});
