# frozen_string_literal: true

require "csv"

# Writes the orders of a month as CSV.
class OrderExport
  HEADERS = %w[number placed total].freeze

  def initialize(month)
    @range = month.beginning_of_month..month.end_of_month
  end

  def to_csv
    CSV.generate do |csv|
      csv << HEADERS
      orders.each do |order|
        csv << [order.number, order.placed_on.iso8601, order.total]
      end
    end
  end

  private

  def orders
    Order.where(placed_on: @range).order(:number)
  end
end
