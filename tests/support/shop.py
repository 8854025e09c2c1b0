"""A small shop whose files hold what is easily got wrong: quotes, line ends, returns, anonymous sales, odd keys."""

from tests.support.csv_files import customers, products, transactions

SHOP = {
    "customers/dt=2024-01-01/all.csv": customers(
        {"customer_id": "C1", "first_name": "Ann", "last_name": 'O"Hara, jr', "signup_date": "2023-12-31"},
        {"customer_id": "C2", "first_name": "Βασίλης", "city": "two\nlines", "customer_segment": "Gold"},
        {"customer_id": "C3", "phone": "never bought"},
        {"customer_id": "c1", "first_name": "not C1"},
        {"customer_id": " C1", "first_name": "not C1 either"},
    ),
    "products/dt=2024-01-01/all.csv": products(
        {"product_id": "P1", "product_name": "Pen", "price": "1.10", "cost": "0.30"},
        {"product_id": "P2", "product_name": "Pad", "price": "2.5", "category": "Paper"},
        {"product_id": "P3", "product_name": "never sold"},
    ),
    "transactions/dt=2024-01-02/all.csv": transactions(
        # an order of three lines, one product twice
        {"transaction_id": "T1", "product_id": "P1", "quantity": "2", "total_amount": "20.05"},
        {"transaction_id": "T1", "product_id": "P2", "quantity": "1", "total_amount": "0.10", "line_number": "2"},
        {"transaction_id": "T1", "product_id": "P1", "quantity": "1", "total_amount": "0.20", "line_number": "3"},
        # a return of one of them
        {"transaction_id": "T2", "quantity": "-1", "total_amount": "-10.025", "order_date": "2024-02-01 23:59:59+02"},
        # an anonymous sale, and one given away
        {"transaction_id": "T3", "customer_id": "", "total_amount": "99.99"},
        {"transaction_id": "T4", "customer_id": "C2", "quantity": "0", "total_amount": "0", "product_id": "P2"},
        # a customer and a product that no file describes
        {"transaction_id": "T5", "customer_id": "C9", "product_id": "P9", "total_amount": "5"},
        # cancelled: revenue sums every line, whatever its status
        {"transaction_id": "T6", "customer_id": "C2", "order_status": "cancelled", "payment_method": ""},
        # more cents than a float can hold
        {"transaction_id": "T7", "customer_id": "C2", "total_amount": "90071992547409.93"},
    ),
}
