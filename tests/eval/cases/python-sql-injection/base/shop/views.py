from flask import Blueprint, current_app, jsonify, request

from shop.orders import OrderStore

pages = Blueprint("orders", __name__)


@pages.get("/orders")
def list_orders():
    store: OrderStore = current_app.extensions["orders"]
    page = max(0, request.args.get("page", 0, type=int))
    orders = store.list(page)
    return jsonify([order.__dict__ for order in orders])
