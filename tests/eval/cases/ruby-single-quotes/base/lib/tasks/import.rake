# frozen_string_literal: true

namespace :catalog do
  desc "Import articles from a CSV file"
  task :import, [:path] => :environment do |_task, args|
    path = args.fetch(:path) { abort "Say which file: rake catalog:import[PATH]" }
    count = 0
    skipped = 0

    Article.transaction do
      CSV.foreach(path, headers: true) do |row|
        article = Article.find_or_initialize_by(sku: row["sku"])
        if article.update(name: row["name"], price: row["price"])
          count += 1
        else
          skipped += 1
        end
      end
    end

    puts "Done"
  end
end
